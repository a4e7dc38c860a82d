import '@posteriors/backend/cpu';
import '@posteriors/backend/wasm';
import { setBackend } from '@posteriors/backend';
import '@posteriors/testing';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { eigh } from '../src/index.ts';
import {
  distance,
  hilbert,
  identity,
  product,
  type Rows,
  rowsOf,
  sizes,
  symmetric,
  tensorOf,
  transposed,
  valuesOf,
} from './matrices.ts';

function decompose(a: Rows): { values: number[]; vectors: number[][] } {
  const { values, vectors } = eigh(tensorOf(a));
  return { values: valuesOf(values), vectors: rowsOf(vectors) };
}

/** Expects a decomposition of `a`, in ascending order and with determined signs. */
function expectEigen(a: Rows): void {
  const { values, vectors } = decompose(a);
  const scaled = vectors.map((row) => row.map((x, i) => x * values[i]!));
  const scale = Math.max(...a.flat().map(Math.abs));
  expect(distance(product(scaled, transposed(vectors)), a)).toBeLessThan(2e-6 * a.length * scale + 1e-30);
  expect(distance(product(transposed(vectors), vectors), identity(a.length))).toBeLessThan(1e-6);
  expect(values).toEqual([...values].sort((x, y) => x - y));
  for (const vector of transposed(vectors)) {
    const largest = Math.max(...vector.map(Math.abs));
    expect(vector.find((x) => Math.abs(x) >= 0.999 * largest)).toBeGreaterThan(0);
  }
}

describe.each(['cpu', 'wasm'] as const)('eigh on %s', (device) => {
  beforeAll(() => setBackend(device));

  test.each(sizes)('v diag(w) v^T is a, %i rows', (n) => {
    expectEigen(symmetric(n, n));
  });

  test.each([
    ['zero', identity(4).map((row) => row.map(() => 0))],
    ['the identity', identity(5)],
    ['all ones', identity(6).map((row) => row.map(() => 1))],
    [
      'equal by symmetry',
      [
        [2, 1],
        [1, 2],
      ],
    ],
    [
      'of other scales',
      [
        [1e30, 1e20, 0],
        [1e20, 1, 1e-3],
        [0, 1e-3, 1e-20],
      ],
    ],
    [
      'tiny',
      [
        [1e-38, 5e-39],
        [5e-39, 2e-38],
      ],
    ],
    [
      'indefinite with a zero diagonal',
      [
        [0, 1, 0],
        [1, 0, 1],
        [0, 1, 0],
      ],
    ],
  ] as const)('%s', (_, a) => {
    expectEigen(a.map((row) => row.map(Math.fround)));
  });

  test('closed forms', () => {
    // The second difference matrix has eigenvalues 2 - 2 cos(pi k / (n + 1)).
    const n = 9;
    const a = identity(n).map((row, i) => row.map((_, j) => (i === j ? 2 : Math.abs(i - j) === 1 ? -1 : 0)));
    const expected = a.map((_, k) => 2 - 2 * Math.cos((Math.PI * (k + 1)) / (n + 1)));
    expect(decompose(a).values).toBeAllClose(expected, { rtol: 1e-6 });
  });

  test('small eigenvalues of a positive definite matrix are exact to float32', () => {
    // The determinant of the Hilbert matrix of 3 rows is 1 / 2160, to the rounding of its elements.
    const { values } = decompose(hilbert(3));
    expect(values[0]! * values[1]! * values[2]!).toBeAllClose(1 / 2160, { rtol: 1e-4 });
    expect(values[0]).toBeAllClose(2.6873403557735e-3, { rtol: 1e-5 });
  });

  test('reads only the lower triangle; of a matrix that is not finite all is NaN, and of others of its batch nothing', () => {
    expect(
      decompose([
        [2, Number.NaN],
        [1, 2],
      ]).values,
    ).toBeAllClose([1, 3]);
    for (const wrong of [Number.NaN, Infinity, -Infinity]) {
      const { values, vectors } = eigh(tf.tensor3d([2, 1, wrong, 2, 2, 0, 1, 2], [2, 2, 2]));
      expect([...values.dataSync()].map(Number.isNaN)).toEqual([true, true, false, false]);
      expect([...vectors.dataSync()].map(Number.isNaN)).toEqual(Array.from({ length: 8 }, (_, i) => i < 4));
    }
  });

  test('batches and no rows', () => {
    const { values, vectors } = eigh(tf.stack([tf.eye(2), tf.mul(tf.eye(2), 3)]));
    expect(values).toBeAllClose([
      [1, 1],
      [3, 3],
    ]);
    expect(vectors.shape).toEqual([2, 2, 2]);
    for (const shape of [
      [0, 0],
      [0, 3, 3],
      [2, 0, 0],
    ]) {
      const none = eigh(tf.zeros(shape));
      expect(none.values.shape).toEqual(shape.slice(0, -1));
      expect(none.vectors.shape).toEqual(shape);
    }
  });

  test('shapes and dtypes that do not fit', () => {
    expect(() => eigh(tf.zeros([2, 3]))).toThrow('eigh: takes square float32 matrices [..., n, n], not float32[2,3]');
  });
});
