import '@posteriors/backend/cpu';
import '@posteriors/backend/wasm';
import { grad, vmap } from '@posteriors/autodiff';
import { setBackend } from '@posteriors/backend';
import '@posteriors/testing';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { diagonal } from '../src/index.ts';

describe.each(['cpu', 'wasm'] as const)('diagonal on %s', (device) => {
  beforeAll(() => setBackend(device));
  const matrices = (): tf.Tensor => tf.reshape(tf.range(0, 18), [2, 3, 3]);

  test('of each matrix, of one, and of none', () => {
    expect(diagonal(matrices())).toBeAllClose([[0, 4, 8], [9, 13, 17]]); // biome-ignore format: a matrix
    expect(diagonal(tf.tensor2d([[7]]))).toBeAllClose([7]);
    expect(diagonal(tf.zeros([2, 0, 0])).shape).toEqual([2, 0]);
    expect(vmap(diagonal)(matrices())).toBeAllClose(diagonal(matrices()));
  });

  test('its gradient is on the diagonal', () => {
    const weights = tf.tensor1d([1, 2, 3]);
    const gradient = grad((a: tf.Tensor) => tf.sum(tf.mul(diagonal(a), weights)))(tf.ones([3, 3]));
    expect(gradient).toBeAllClose([[1, 0, 0], [0, 2, 0], [0, 0, 3]]); // biome-ignore format: a matrix
  });

  test('takes square float32 matrices', () => {
    expect(() => diagonal(tf.zeros([2, 3]))).toThrow(
      'diagonal: takes square float32 matrices [..., n, n], not float32[2,3]',
    );
  });
});
