import '@posteriors/backend/cpu';
import '@posteriors/backend/wasm';
import { setBackend } from '@posteriors/backend';
import '@posteriors/testing';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { triangularSolve } from '../src/index.ts';
import { distance, product, random, rounded, rowsOf, sizes, tensorOf, transposed } from './matrices.ts';

/** A full matrix with a large diagonal: each of its triangles is well-conditioned. */
const full = (n: number): number[][] =>
  rounded(random(n, n, n).map((row, i) => row.map((x, j) => x / n + (i === j ? 1.5 : 0))));

describe.each(['cpu', 'wasm'] as const)('triangularSolve on %s', (device) => {
  beforeAll(() => setBackend(device));

  test.each(sizes)('op(l) x is b, %i rows', (n) => {
    const l = full(n);
    const b = random(n, 3, n + 1);
    for (const lower of [true, false]) {
      for (const transpose of [true, false]) {
        const x = rowsOf(triangularSolve(tensorOf(l), tensorOf(b), { lower, transpose }));
        const triangle = l.map((row, i) => row.map((value, j) => ((lower ? i >= j : i <= j) ? value : 0)));
        expect(distance(product(transpose ? transposed(triangle) : triangle, x), b)).toBeLessThan(2e-6);
      }
    }
  });

  test('vectors, and leading axes that broadcast', () => {
    const l = tf.tensor2d([
      [2, 9],
      [1, 4],
    ]);
    expect(triangularSolve(l, tf.tensor1d([2, 9]))).toBeAllClose([1, 2]);
    const two = tf.stack([l, tf.eye(2)]);
    const both = [
      [1, 2],
      [2, 9],
    ];
    expect(triangularSolve(two, tf.tensor1d([2, 9]))).toBeAllClose(both);
    expect(triangularSolve(two, tf.tensor2d([[2], [9]]))).toBeAllClose(both.map((row) => row.map((x) => [x])));
    const many = tf.reshape(tf.stack([tf.tensor1d([2, 9]), tf.tensor1d([4, 2])]), [2, 1, 2, 1]);
    const x = triangularSolve(two, many);
    expect(x.shape).toEqual([2, 2, 2, 1]);
    expect(tf.reshape(x, [4, 2])).toBeAllClose([...both, [2, 0], [4, 2]]);
  });

  test('of nothing', () => {
    expect(triangularSolve(tf.zeros([0, 0]), tf.zeros([0, 3])).shape).toEqual([0, 3]);
    expect(triangularSolve(tf.eye(2), tf.zeros([2, 0])).shape).toEqual([2, 0]);
    expect(triangularSolve(tf.zeros([0, 2, 2]), tf.zeros([2, 1])).shape).toEqual([0, 2, 1]);
    expect(triangularSolve(tf.zeros([0, 0]), tf.zeros([0])).shape).toEqual([0]);
  });

  test('a zero on the diagonal gives what division gives', () => {
    expect(rowsOf(triangularSolve(tf.zeros([1, 1]), tf.ones([1, 2])))).toEqual([[Infinity, Infinity]]);
  });

  test('shapes and dtypes that do not fit', () => {
    const l = tf.eye(2);
    expect(() => triangularSolve(tf.zeros([2, 3]), tf.zeros([2, 1]))).toThrow(
      'triangularSolve: takes square float32 matrices [..., n, n], not float32[2,3]',
    );
    expect(() => triangularSolve(l, tf.zeros([3, 1]))).toThrow(
      'triangularSolve: matrices [2,2] take right sides [..., 2, k] of float32, not float32[3,1]',
    );
    expect(() => triangularSolve(l, tf.zeros([2, 1], 'int32'))).toThrow('not int32[2,1]');
    expect(() => triangularSolve(l, tf.scalar(1))).toThrow(
      'triangularSolve: the right side is a scalar; it must be [n] or [..., n, k]',
    );
    expect(() => triangularSolve(tf.zeros([2, 2, 2]), tf.zeros([3, 2, 1]))).toThrow(
      'the leading axes of [2,2,2] and [3,2,1] do not broadcast',
    );
  });
});
