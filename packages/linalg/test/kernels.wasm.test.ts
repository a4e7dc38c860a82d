// The functions in WebAssembly, which work on tiles of four rows and columns, against those in JavaScript: the same numbers to the bit.
import '@posteriors/backend/cpu';
import '@posteriors/backend/wasm';
import { setBackend } from '@posteriors/backend';
import { expectNoLeak } from '@posteriors/testing';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import { cholesky, choleskyInverse, triangularSolve } from '../src/index.ts';
import { triangles } from '../src/triangles.ts';
import { numbers } from './float64.ts';

type Tensor = tf.Tensor;

// Whole tiles and parts of them, one panel and many, one group of panels (64 columns) and more.
const orders = [1, 2, 3, 4, 5, 7, 8, 17, 63, 64, 65, 66, 131, 259];

function randomTensor(shape: number[], seed: number): Tensor {
  const size = shape.reduce((product, n) => product * n, 1);
  return tf.tensor(Float32Array.from({ length: size }, numbers(seed)), shape);
}

/** A full matrix with a large diagonal: each of its triangles is well-conditioned. */
const full = (n: number): Tensor => tf.add(tf.div(randomTensor([n, n], n), n), tf.mul(tf.eye(n), 1.5));

const positive = (n: number): Tensor => tf.add(tf.div(randomTensor([n, n], n), n), tf.mul(tf.eye(n), 2));

async function bits(device: 'cpu' | 'wasm', f: () => Tensor): Promise<Int32Array> {
  await setBackend(device);
  return tf.tidy(() => new Int32Array((f().dataSync() as Float32Array).slice().buffer));
}

async function expectSameBits(f: () => Tensor): Promise<void> {
  expect(await bits('wasm', f)).toEqual(await bits('cpu', f));
}

describe.each(orders)('%i rows', (n) => {
  test('cholesky and choleskyInverse', async () => {
    await expectSameBits(() => cholesky(positive(n)));
    await expectSameBits(() => choleskyInverse(full(n)));
  });

  test('triangularSolve', async () => {
    for (const columns of [1, 3, 4, 67]) {
      for (const lower of [true, false]) {
        for (const transpose of [true, false]) {
          await expectSameBits(() => triangularSolve(full(n), randomTensor([n, columns], 7), { lower, transpose }));
        }
      }
    }
  });

  test('triangles', async () => {
    for (const columns of [1, n, n + 3]) {
      await expectSameBits(() => triangles(randomTensor([n, columns], 3), { below: 1, diagonal: 0.3, above: 0 }));
      await expectSameBits(() => triangles(randomTensor([n, columns], 3), { below: 0, diagonal: 0, above: -1.1 }));
    }
  });
});

test('right sides that begin with zeros', async () => {
  for (const [lower, transpose] of [
    [true, false],
    [true, true],
  ] as const) {
    const corner = (): Tensor =>
      tf.pad(randomTensor([5, 4], 2), [
        [7, 6],
        [3, 5],
      ]);
    await expectSameBits(() => triangularSolve(full(18), corner(), { lower, transpose }));
    await expectSameBits(() => triangularSolve(full(18), tf.eye(18), { lower, transpose }));
  }
});

test('zeros on the diagonal, infinities and NaN, also where the right side is zero', async () => {
  const holding = (value: number, i: number, j: number): Tensor => {
    const at = tf.buffer([9, 9]);
    at.set(1, i, j);
    return tf.where(tf.cast(at.toTensor(), 'bool'), tf.fill([9, 9], value), full(9));
  };
  for (const [value, i, j] of [
    [0, 5, 5],
    [Number.NaN, 7, 2],
    [Infinity, 7, 2],
  ] as const) {
    await setBackend('cpu');
    const expected = triangularSolve(holding(value, i, j), tf.eye(9)).arraySync();
    expect((expected as number[][]).flat().some(Number.isFinite)).toBe(true);
    expect((expected as number[][]).flat().every(Number.isFinite)).toBe(false);
    await setBackend('wasm');
    expect(triangularSolve(holding(value, i, j), tf.eye(9)).arraySync()).toEqual(expected);
  }
});

test('batches', async () => {
  const stacked = (one: (n: number) => Tensor): Tensor =>
    tf.reshape(tf.stack([1, 2, 3, 4].map((k) => tf.mul(one(6), k))), [2, 2, 6, 6]);
  await expectSameBits(() => cholesky(stacked(positive)));
  await expectSameBits(() => choleskyInverse(stacked(full)));
  await expectSameBits(() => triangularSolve(stacked(full), randomTensor([2, 2, 6, 5], 8), { lower: false }));
  await expectSameBits(() => triangles(stacked(full), { below: 0.5, diagonal: 1, above: 2 }));
});

test('the pivot that fails, in any tile and in any group', async () => {
  for (const row of [0, 3, 4, 66, 129]) {
    const broken = (): Tensor => {
      const scale = tf.buffer([130]);
      scale.set(3, row);
      return tf.sub(positive(130), tf.diag(scale.toTensor()));
    };
    const message = async (device: 'cpu' | 'wasm'): Promise<string> => {
      await setBackend(device);
      try {
        cholesky(broken());
      } catch (error) {
        return (error as Error).message;
      }
      return 'none';
    };
    const expected = await message('cpu');
    expect(expected).toContain(`pivot ${row} is -`);
    expect(await message('wasm')).toBe(expected);
  }
});

test('room for the panels is given back, also after a failure', async () => {
  await setBackend('wasm');
  const [good, bad] = [positive(200), tf.neg(positive(200))];
  // All panels together have 50 MB, which the device has not got free.
  const heap = () => (tf.backend() as unknown as { wasm: { HEAPU8: Uint8Array } }).wasm.HEAPU8.length;
  cholesky(good).dispose();
  const before = heap();
  expectNoLeak(() => {
    for (let i = 0; i < 300; i++) {
      cholesky(good).dispose();
      if (i % 10 === 0) expect(() => cholesky(bad)).toThrow('pivot 0');
    }
  });
  expect(heap()).toBe(before);
});
