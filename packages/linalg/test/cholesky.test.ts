import '@posteriors/backend/cpu';
import '@posteriors/backend/wasm';
import { jit, vmap } from '@posteriors/autodiff';
import { setBackend } from '@posteriors/backend';
import { expectNoLeak } from '@posteriors/testing';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { cholesky, logDeterminant } from '../src/index.ts';
import { distance, hilbert, positive, product, rowsOf, sizes, tensorOf, transposed } from './matrices.ts';

describe.each(['cpu', 'wasm'] as const)('cholesky on %s', (device) => {
  beforeAll(() => setBackend(device));

  test.each(sizes)('l l^T is a, %i rows', (n) => {
    const a = positive(n, n);
    const l = rowsOf(cholesky(tensorOf(a)));
    expect(distance(product(l, transposed(l)), a)).toBeLessThan(1e-6);
    l.forEach((row, i) => {
      expect(row[i]).toBeGreaterThan(0);
      expect(row.slice(i + 1).every((x) => x === 0)).toBe(true);
    });
  });

  test('is exact to float32 for an ill-conditioned matrix', () => {
    // l_ij of the Hilbert matrix is sqrt(2 j + 1) i!^2 / ((i - j)! (i + j + 1)!).
    const factorial = (n: number): number => (n < 2 ? 1 : n * factorial(n - 1));
    const l = rowsOf(cholesky(tensorOf(hilbert(3))));
    const exact = l.map((row, i) =>
      row.map((_, j) =>
        j > i ? 0 : (Math.sqrt(2 * j + 1) * factorial(i) ** 2) / (factorial(i - j) * factorial(i + j + 1)),
      ),
    );
    // The input is rounded to float32, which the smallest pivot, 1 / 180, feels 180 times over.
    expect(distance(l, exact)).toBeLessThan(180 * 2 ** -24);
  });

  test('reads only the lower triangle', () => {
    const a = tf.tensor2d([
      [4, Number.NaN],
      [2, 10],
    ]);
    expect(rowsOf(cholesky(a))).toEqual([
      [2, 0],
      [1, 3],
    ]);
  });

  test('of one row, of no rows and of an empty batch', () => {
    expect(cholesky(tf.tensor2d([[9]])).arraySync()).toEqual([[3]]);
    expect(cholesky(tf.zeros([0, 0])).shape).toEqual([0, 0]);
    expect(cholesky(tf.zeros([3, 0, 0])).shape).toEqual([3, 0, 0]);
    expect(cholesky(tf.zeros([0, 2, 2])).shape).toEqual([0, 2, 2]);
  });

  describe('a matrix that is not positive definite', () => {
    const indefinite = () =>
      tf.tensor2d([
        [1, 2, 0],
        [2, 1, 0],
        [0, 0, 1],
      ]);

    test('reports its pivot', () => {
      expect(() => cholesky(indefinite())).toThrow(
        'cholesky: the matrix is not positive definite: pivot 1 is -3, and must be positive.',
      );
      expect(() => cholesky(tf.zeros([2, 2]))).toThrow('pivot 0 is 0');
      expect(() => cholesky(tf.fill([2, 2], Number.NaN))).toThrow('pivot 0 is NaN');
      // The pivot is that of float64: 1 - 1.
      expect(() => cholesky(tf.ones([2, 2]))).toThrow('pivot 1 is 0');
    });

    test('and its place in a batch', () => {
      const batch = tf.stack([
        tf.stack([tf.eye(3), tf.eye(3), tf.eye(3)]),
        tf.stack([tf.eye(3), indefinite(), tf.eye(3)]),
      ]);
      expect(() => cholesky(batch)).toThrow('pivot 1 of batch element [1, 1] is -3');
      expect(() => vmap(logDeterminant)(tf.stack([tf.eye(3), indefinite()]))).toThrow(
        'pivot 1 of batch element [1] is -3',
      );
    });

    test('leaves memory and the compiled function as they were', () => {
      const compiled = jit((x: tf.Tensor) => logDeterminant(tf.mul(x, 4)));
      const [good, bad] = [tf.eye(3), indefinite()];
      compiled(good).dispose();
      expectNoLeak(() => {
        expect(() => compiled(bad)).toThrow('pivot 1 is -12');
        expect(() => cholesky(bad)).toThrow('pivot 1 is -3');
        const value = compiled(good);
        expect(value.dataSync()[0]).toBeCloseTo(3 * Math.log(4), 5);
        value.dispose();
      });
      compiled.dispose();
    });
  });

  test('shapes and dtypes that do not fit', () => {
    expect(() => cholesky(tf.zeros([2, 3]))).toThrow(
      'cholesky: takes square float32 matrices [..., n, n], not float32[2,3]',
    );
    expect(() => cholesky(tf.zeros([4]))).toThrow('not float32[4]');
    expect(() => cholesky(tf.scalar(1))).toThrow('not float32[]');
    expect(() => cholesky(tf.zeros([2, 2], 'int32'))).toThrow('not int32[2,2]');
  });
});
