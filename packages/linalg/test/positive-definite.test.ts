import '@posteriors/backend/cpu';
import '@posteriors/backend/wasm';
import { grad } from '@posteriors/autodiff';
import { setBackend } from '@posteriors/backend';
import '@posteriors/testing';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { cholesky, choleskyInverse, choleskyLogDeterminant, choleskySolve, logDeterminant } from '../src/index.ts';
import { distance, identity, positive, product, random, rowsOf, sizes, tensorOf, transposed } from './matrices.ts';

describe.each(['cpu', 'wasm'] as const)('a Cholesky factor on %s', (device) => {
  beforeAll(() => setBackend(device));

  test.each(sizes)('solves and inverts, %i rows', (n) => {
    const a = positive(n, n, 0.3);
    const b = random(n, 2, n + 1);
    const l = cholesky(tensorOf(a));
    const x = rowsOf(choleskySolve(l, tensorOf(b)));
    const inverse = rowsOf(choleskyInverse(l));
    // Condition numbers are below 10.
    expect(distance(product(a, x), b)).toBeLessThan(1e-5);
    expect(distance(product(a, inverse), identity(n))).toBeLessThan(1e-5);
    expect(distance(inverse, transposed(inverse))).toBeLessThan(1e-6);
  });

  test('solves for vectors', () => {
    const l = cholesky(tf.tensor2d([[4]]));
    expect(choleskySolve(l, tf.tensor1d([2]))).toBeAllClose([0.5]);
    expect(choleskySolve(tf.stack([l, tf.eye(1)]), tf.tensor1d([2]))).toBeAllClose([[0.5], [2]]);
    expect(() => choleskySolve(l, tf.scalar(2))).toThrow('choleskySolve: the right side is a scalar');
    expect(() => choleskySolve(tf.zeros([2, 1]), tf.zeros([2, 1]))).toThrow(
      'choleskySolve: takes square float32 matrices',
    );
  });

  test('gives the log-determinant', () => {
    // Of I + u u^T it is log(1 + u^T u).
    const u = random(12, 1, 5);
    const a = tf.add(tf.eye(12), tf.matMul(tensorOf(u), tensorOf(u), false, true));
    const expected = Math.log(1 + u.reduce((sum, [x]) => sum + x! ** 2, 0));
    expect(logDeterminant(a)).toBeAllClose(expected, { rtol: 1e-6 });
    expect(choleskyLogDeterminant(cholesky(a))).toBeAllClose(expected, { rtol: 1e-6 });
    // Determinants that float32 does not hold.
    expect(logDeterminant(tf.mul(tf.eye(40), 1e-4))).toBeAllClose(40 * Math.log(1e-4), { rtol: 1e-6 });
    expect(logDeterminant(tf.stack([tf.eye(2), tf.mul(tf.eye(2), 3)]))).toBeAllClose([0, 2 * Math.log(3)]);
  });

  test('of no rows', () => {
    expect(logDeterminant(tf.zeros([0, 0]))).toBeAllClose(0);
    expect(logDeterminant(tf.zeros([3, 0, 0]))).toBeAllClose([0, 0, 0]);
    expect(choleskyInverse(tf.zeros([0, 0])).shape).toEqual([0, 0]);
    expect(choleskySolve(tf.zeros([0, 0]), tf.zeros([0, 2])).shape).toEqual([0, 2]);
    expect(grad(logDeterminant)(tf.zeros([0, 0])).shape).toEqual([0, 0]);
  });

  test('the gradient of the log-determinant is the inverse', () => {
    const a = tensorOf(positive(6, 2, 0.5));
    expect(grad(logDeterminant)(a)).toBeAllClose(choleskyInverse(cholesky(a)), { rtol: 1e-4, atol: 1e-5 });
  });

  test('shapes that do not fit', () => {
    expect(() => choleskyInverse(tf.zeros([2, 1]))).toThrow('choleskyInverse: takes square float32 matrices');
    expect(() => choleskyLogDeterminant(tf.zeros([3]))).toThrow(
      'choleskyLogDeterminant: takes square float32 matrices',
    );
  });
});
