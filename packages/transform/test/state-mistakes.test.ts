// What is not a state, but easily passed as one.
import '@posteriors/backend/cpu';
import { setBackend } from '@posteriors/backend';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, test } from 'vitest';
import { requireState, run, withAux } from '../src/index.ts';
import { build } from './sgld.ts';

beforeAll(() => setBackend('cpu'));

const transform = build((theta: tf.Tensor, _: null) => withAux(tf.neg(tf.sum(tf.square(theta))), []), {
  learningRate: 0.1,
  temperature: 1,
});

test('the pair that update returns', () => {
  const state = transform.init(tf.zeros([2]), { seed: 0 });
  const pair = transform.update(state, null);
  expect(() => transform.update(pair as never, null)).toThrow(
    'sgld.update: the state is an array; update returns [state, aux], so write const [state, aux] = ...',
  );
});

test('the promise that run returns', async () => {
  const promise = run(transform, transform.init(tf.zeros([2]), { seed: 0 }), [null]);
  expect(() => transform.update(promise as never, null)).toThrow(
    'sgld.update: the state is a promise; write await before the call of run that returns it',
  );
  await promise;
});

test('a state is handed on', () => {
  const state = transform.init(tf.zeros([2]), { seed: 0 });
  expect(requireState('x', state)).toBe(state);
});
