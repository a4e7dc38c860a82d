import '@posteriors/backend/cpu';
import '@posteriors/testing';
import { printProgram, setBackend } from '@posteriors/backend';
import * as tf from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { jit, programsOf } from '../src/index.ts';

await setBackend('cpu');

const x = tf.tensor1d([1, 2, 3]);
const square = jit((v: tf.Tensor) => tf.mul(tf.mul(v, 1), v), { name: 'square' });
const total = jit((v: tf.Tensor) => tf.sum(v), { name: 'total' });

test('the programs that ran, in order, as traced and as they ran, compiled before or not', () => {
  square(x);
  for (let i = 0; i < 2; i++) {
    const ran = programsOf(() => {
      expect(total(square(x))).toBeAllClose(14);
    });
    expect(ran.map(({ name }) => name)).toEqual(['square', 'total']);
    const [{ source, program }] = ran as [(typeof ran)[0]];
    expect(printProgram(source).match(/Multiply/g)).toHaveLength(2);
    expect(printProgram(program).match(/Multiply/g)).toHaveLength(1);
    expect(program).toBe(square.programs[0]);
  }
});

test('one within another, and one that fails', () => {
  let inner: readonly unknown[] = [];
  const outer = programsOf(() => {
    square(x);
    inner = programsOf(() => void total(x));
    expect(() =>
      programsOf(() => {
        total(x);
        throw new Error('no');
      }),
    ).toThrow('no');
    square(x);
  });
  expect(inner).toHaveLength(1);
  expect(outer.map(({ name }) => name)).toEqual(['square', 'total', 'total', 'square']);
  expect(programsOf(() => {})).toEqual([]);
});
