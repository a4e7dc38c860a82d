// Ordering, replacing and masking on webgpu. Skipped where there is no adapter.
import { setBackend } from '@posteriors/backend';
import { provideWebGPU } from '@posteriors/testing';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { grad, jit } from '../src/index.ts';

type Tensor = tf.Tensor;

const available = await provideWebGPU();

describe.skipIf(!available)('webgpu', () => {
  beforeAll(async () => {
    await import('@posteriors/backend/webgpu');
    await setBackend('webgpu');
  });

  const values = async (f: (x: Tensor) => Tensor, x: Tensor): Promise<number[]> => [...(await jit(f)(x).data())];

  test('topk: ties in their order, one element, and a derivative', async () => {
    const x = tf.tensor2d([
      [1, 3, 1, 3, 3],
      [0, 0, 0, 0, 0],
    ]);
    expect(await values((v) => tf.topk(v, 4).indices, x)).toEqual([1, 3, 4, 0, 0, 1, 2, 3]);
    const single = tf.tensor2d([[5], [6]]);
    expect(await values((v) => tf.topk(v, 1).values, single)).toEqual([5, 6]);
    expect([...(await single.data())]).toEqual([5, 6]);
    const slope = grad((v: Tensor) => tf.sum(tf.topk(v, 2).values));
    expect(await values((v) => slope(v) as Tensor, x)).toEqual([0, 1, 0, 1, 0, 1, 1, 0, 0, 0]);
  });

  test('unsortedSegmentSum leaves out the rows of other segments', async () => {
    const segments = tf.tensor1d([1, -1, 7, 1], 'int32');
    const f = (v: Tensor): Tensor => tf.unsortedSegmentSum(v, segments, 3);
    const rows = [[1, 2], [3, 4], [5, 6], [7, 8]]; // biome-ignore format: a matrix
    expect(await values(f, tf.tensor2d(rows))).toEqual([0, 0, 8, 10, 0, 0]);
    expect(await values(f, tf.tensor2d(rows, [4, 2], 'int32'))).toEqual([0, 0, 8, 10, 0, 0]);
  });

  test('bitwiseAnd, which tfjs lacks there, to the last bit', async () => {
    const a = tf.tensor1d([2 ** 31 - 1, -1, 12, -(2 ** 31)], 'int32');
    const b = tf.tensor1d([2 ** 30 + 1, 2 ** 25 + 1, 10, -1], 'int32');
    expect(await values((v) => tf.bitwiseAnd(v, b), a)).toEqual([2 ** 30 + 1, 2 ** 25 + 1, 8, -(2 ** 31)]);
  });
});
