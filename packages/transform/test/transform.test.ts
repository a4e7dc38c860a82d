import { scalar } from '@tensorflow/tfjs-core';
import '@posteriors/backend/cpu';
import { setBackend } from '@posteriors/backend';
import { expect, test } from 'vitest';
import { named, withAux } from '../src/index.ts';

await setBackend('cpu');

test('withAux makes a pair of what it is given', () => {
  const [value, aux] = [scalar(1), { loss: scalar(2) }];
  const pair = withAux(value, aux);
  expect(pair).toEqual([value, aux]);
  expect(pair[1]).toBe(aux);
});

test('named puts a name before an error, once, and keeps the error as its cause', () => {
  expect(named('f', () => 3)).toBe(3);
  const error = new RangeError('too far');
  const thrown = (): unknown =>
    named('f', () =>
      named('f', () => {
        throw error;
      }),
    );
  expect(thrown).toThrow(/^f: too far$/);
  expect(thrown).toThrow(expect.objectContaining({ cause: error }));
  expect(() =>
    named('f', () => {
      throw 'a string';
    }),
  ).toThrow(/^f: a string$/);
});
