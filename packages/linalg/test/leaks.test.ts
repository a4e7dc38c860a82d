import '@posteriors/backend/cpu';
import '@posteriors/backend/wasm';
import { setBackend } from '@posteriors/backend';
import { expectNoLeak } from '@posteriors/testing';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import {
  cholesky,
  choleskyInverse,
  choleskyLogDeterminant,
  choleskySolve,
  diagonal,
  eigh,
  logDeterminant,
  qr,
  svd,
  triangularSolve,
} from '../src/index.ts';

const functions: { readonly [name: string]: (a: tf.Tensor) => tf.Tensor | { readonly [part: string]: tf.Tensor } } = {
  cholesky,
  choleskyInverse,
  choleskyLogDeterminant,
  choleskySolve: (a) => choleskySolve(a, a),
  diagonal,
  eigh,
  logDeterminant,
  qr,
  'qr, wide': (a) => qr(tf.tidy(() => tf.slice(a, [0, 0], [1, 2]))),
  svd,
  triangularSolve: (a) => triangularSolve(a, a),
};

describe.each(['cpu', 'wasm'] as const)('%s', (device) => {
  test.each(Object.entries(functions))('%s leaves its result and nothing else', async (name, f) => {
    await setBackend(device);
    const a = tf.tensor2d([
      [2, 1],
      [1, 2],
    ]);
    const before = await a.data();
    const run = (): void => {
      tf.tidy(() => {
        const result = f(a);
        const { numTensors } = tf.memory();
        const parts = result instanceof tf.Tensor ? [result] : Object.values(result);
        for (const part of parts) part.dispose();
        expect(tf.memory().numTensors).toBe(numTensors - parts.length);
      });
    };
    run();
    expectNoLeak(run);
    expect(await a.data(), `the input of ${name}`).toEqual(before);
  });
});
