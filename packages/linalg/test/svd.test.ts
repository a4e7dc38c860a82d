import '@posteriors/backend/cpu';
import '@posteriors/backend/wasm';
import { setBackend } from '@posteriors/backend';
import '@posteriors/testing';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { svd } from '../src/index.ts';
import {
  distance,
  identity,
  product,
  type Rows,
  random,
  rounded,
  rowsOf,
  sizes,
  tensorOf,
  transposed,
  valuesOf,
} from './matrices.ts';

/** Expects a decomposition of `a` with orthonormal columns and descending values; returns the values. */
function expectSvd(a: Rows): number[] {
  const [m, n] = [a.length, a[0]!.length];
  const parts = svd(tensorOf(a));
  const u = rowsOf(parts.u);
  const v = rowsOf(parts.v);
  const values = valuesOf(parts.values);
  const scaled = u.map((row) => row.map((x, i) => x * values[i]!));
  const scale = Math.max(...a.flat().map(Math.abs));
  expect(distance(product(scaled, transposed(v)), a)).toBeLessThan(2e-6 * Math.max(m, n) * scale + 1e-30);
  for (const vectors of [u, v]) {
    expect(distance(product(transposed(vectors), vectors), identity(Math.min(m, n)))).toBeLessThan(1e-6);
  }
  expect(values).toEqual([...values].sort((x, y) => y - x));
  for (const vector of transposed(m >= n ? v : u)) {
    const largest = Math.max(...vector.map(Math.abs));
    expect(vector.find((x) => Math.abs(x) >= 0.999 * largest)).toBeGreaterThan(0);
  }
  return values;
}

describe.each(['cpu', 'wasm'] as const)('svd on %s', (device) => {
  beforeAll(() => setBackend(device));

  test.each(sizes)('u diag(s) v^T is a, of %i rows, and of more and fewer columns', (m) => {
    for (const n of [m, m + 3, Math.ceil(m / 2)]) expectSvd(random(m, n, m));
  });

  test.each([
    [
      'zero',
      [
        [0, 0],
        [0, 0],
        [0, 0],
      ],
      [0, 0],
    ],
    ['the identity', identity(4), [1, 1, 1, 1]],
    [
      'rank one',
      [
        [1, 1, 1],
        [1, 1, 1],
        [1, 1, 1],
        [1, 1, 1],
      ],
      [Math.sqrt(12), 0, 0],
    ],
    [
      'rank one, wide',
      [
        [1, 1, 1],
        [1, 1, 1],
      ],
      [Math.sqrt(6), 0],
    ],
    [
      'a zero column',
      [
        [3, 0],
        [4, 0],
      ],
      [5, 0],
    ],
    [
      'of other scales',
      [
        [1e15, 0],
        [0, 1e-15],
      ],
      [1e15, 1e-15],
    ],
    [
      'tiny',
      [
        [3e-38, 0],
        [4e-38, 0],
      ],
      [5e-38, 0],
    ],
  ] as const)('%s', (_, a, expected) => {
    const values = expectSvd(rounded(a));
    // What is zero may be rounding of the largest, in float64.
    values.forEach((x, i) => {
      expect(Math.abs(x - expected[i]!)).toBeLessThanOrEqual(1e-6 * expected[i]! + 1e-15 * expected[0]!);
    });
  });

  test('batches and no elements', () => {
    const { u, values, v } = svd(tf.stack([tf.eye(3, 2), tf.mul(tf.eye(3, 2), 3)]));
    expect(values).toBeAllClose([
      [1, 1],
      [3, 3],
    ]);
    expect([u.shape, v.shape]).toEqual([
      [2, 3, 2],
      [2, 2, 2],
    ]);
    for (const [m, n] of [
      [0, 2],
      [2, 0],
      [0, 0],
    ] as const) {
      const none = svd(tf.zeros([3, m, n]));
      expect([none.u.shape, none.values.shape, none.v.shape]).toEqual([
        [3, m, 0],
        [3, 0],
        [3, n, 0],
      ]);
    }
  });

  test.each([Number.NaN, Infinity, -Infinity])('of a matrix that holds %s all factors are NaN', (wrong) => {
    for (const factor of Object.values(svd(tf.tensor3d([wrong, 1, 2, 3, 1, 2, 3, 4], [2, 2, 2])))) {
      const values = [...factor.dataSync()];
      expect(values.map(Number.isNaN)).toEqual(values.map((_, i) => i < values.length / 2));
    }
  });

  test('shapes and dtypes that do not fit', () => {
    expect(() => svd(tf.zeros([2]))).toThrow('svd: takes float32 matrices [..., m, n], not float32[2]');
  });
});
