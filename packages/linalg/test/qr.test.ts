import '@posteriors/backend/cpu';
import '@posteriors/backend/wasm';
import { setBackend } from '@posteriors/backend';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { qr } from '../src/index.ts';
import { distance, identity, product, type Rows, random, rowsOf, sizes, tensorOf, transposed } from './matrices.ts';

/** Expects a factorisation of `a` with orthonormal columns, a triangle and a diagonal that is not negative. */
function expectQr(a: Rows): void {
  const [m, n] = [a.length, a[0]!.length];
  const factors = qr(tensorOf(a));
  const q = rowsOf(factors.q);
  const r = rowsOf(factors.r);
  expect([q[0]!.length, r.length, r[0]!.length]).toEqual([Math.min(m, n), Math.min(m, n), n]);
  expect(distance(product(q, r), a)).toBeLessThan(2e-6);
  expect(distance(product(transposed(q), q), identity(Math.min(m, n)))).toBeLessThan(1e-6);
  r.forEach((row, i) => {
    expect(row[i]).toBeGreaterThanOrEqual(0);
    expect(row.slice(0, i).every((x) => x === 0)).toBe(true);
  });
}

describe.each(['cpu', 'wasm'] as const)('qr on %s', (device) => {
  beforeAll(() => setBackend(device));

  test.each(sizes)('q r is a, of %i rows, and of more and fewer columns', (m) => {
    for (const n of [m, m + 3, Math.ceil(m / 2)]) expectQr(random(m, n, m));
  });

  test('columns that depend on each other', () => {
    expectQr([
      [1, 2, 1],
      [1, 2, 0],
      [1, 2, 0],
    ]);
    expectQr([
      [0, 0],
      [0, 1],
      [0, 0],
    ]);
  });

  test('batches and no elements', () => {
    const a = tensorOf(random(4, 2, 1));
    const both = qr(tf.stack([a, tf.mul(a, 2)]));
    const alone = qr(a);
    expect(both.r.shape).toEqual([2, 2, 2]);
    expect(both.q.arraySync()).toEqual([alone.q.arraySync(), alone.q.arraySync()]);
    for (const [m, n] of [
      [0, 2],
      [2, 0],
      [0, 0],
    ] as const) {
      const { q, r } = qr(tf.zeros([3, m, n]));
      expect([q.shape, r.shape]).toEqual([
        [3, m, 0],
        [3, 0, n],
      ]);
    }
  });

  test('shapes and dtypes that do not fit', () => {
    expect(() => qr(tf.zeros([2]))).toThrow('qr: takes float32 matrices [..., m, n], not float32[2]');
    expect(() => qr(tf.zeros([2, 2], 'int32'))).toThrow('not int32[2,2]');
  });
});
