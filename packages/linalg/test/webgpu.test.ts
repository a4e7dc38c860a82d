// The factors of positive definite matrices on webgpu against those on cpu. Skipped where there is no adapter.
import '@posteriors/backend/cpu';
import { grad, vmap } from '@posteriors/autodiff';
import { setBackend } from '@posteriors/backend';
import { provideWebGPU } from '@posteriors/testing';
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { cholesky, choleskyInverse, choleskySolve, logDeterminant, triangularSolve } from '../src/index.ts';
import { identity, positive, random, tensorOf } from './matrices.ts';

type Tensor = tf.Tensor;

const available = await provideWebGPU();

describe.skipIf(!available)('webgpu', () => {
  beforeAll(async () => {
    await import('@posteriors/backend/webgpu');
  });
  afterEach(async () => {
    await setBackend('cpu');
  });

  const run = async (device: 'cpu' | 'webgpu', f: () => Tensor) => {
    await setBackend(device);
    const result = f();
    const values = await result.data();
    const { shape } = result;
    result.dispose();
    return { shape, values };
  };

  const expectEqual = async (f: () => Tensor, tolerance = 1e-5): Promise<void> => {
    const expected = await run('cpu', f);
    const received = await run('webgpu', f);
    expect(received.shape).toEqual(expected.shape);
    const atol = tolerance * Math.max(...expected.values.map(Math.abs), 0) + 1e-6;
    expect(received.values).toBeAllClose(expected.values, { rtol: 0, atol });
  };

  test.each([1, 2, 3, 17, 40, 63, 64, 65, 130])('%i rows', async (n) => {
    const a = positive(n, n, 0.5);
    const b = random(n, 3, n);
    await expectEqual(() => cholesky(tensorOf(a)));
    const full = a.map((row, i) => row.map((x, j) => (i === j ? 1.5 : x / n)));
    for (const lower of [true, false]) {
      for (const transpose of [true, false]) {
        await expectEqual(() => triangularSolve(tensorOf(full), tensorOf(b), { lower, transpose }));
      }
    }
    await expectEqual(() => logDeterminant(tensorOf(a)));
    await expectEqual(() => choleskySolve(cholesky(tensorOf(a)), tensorOf(b)), 1e-4);
    await expectEqual(() => choleskyInverse(cholesky(tensorOf(a))), 1e-4);
  });

  test('batches, more of them than one dimension of workgroups holds', async () => {
    const many = (n: number, count: number): Tensor =>
      tf.stack(Array.from({ length: count }, (_, i) => tensorOf(positive(n, i + 1, 0.5))));
    await expectEqual(() => cholesky(many(5, 7)));
    await expectEqual(() => triangularSolve(many(5, 7), tf.ones([5, 2]), { lower: false }));
    await expectEqual(() => cholesky(tf.mul(tf.ones([70_000, 1, 1]), 4)));
    await expectEqual(() => triangularSolve(tf.fill([1, 1], 4), tf.reshape(tf.range(0, 70_000), [1, 70_000])));
  });

  test('derivatives and vmap', async () => {
    const a = positive(6, 3, 0.5);
    const loss = (x: Tensor): Tensor => tf.sum(tf.square(cholesky(x)));
    await expectEqual(() => grad(loss)(tensorOf(a)), 1e-4);
    await expectEqual(() => grad((x: Tensor) => tf.sum(tf.square(grad(logDeterminant)(x))))(tensorOf(a)), 1e-4);
    const batch = [a, positive(6, 4, 0.5)];
    await expectEqual(() => vmap(grad(loss))(tf.stack(batch.map(tensorOf))), 1e-4);
  });

  test('no elements', async () => {
    await expectEqual(() => cholesky(tf.zeros([2, 0, 0])));
    await expectEqual(() => triangularSolve(tf.eye(2), tf.zeros([2, 0])));
    await expectEqual(() => logDeterminant(tf.zeros([2, 0, 0])));
  });

  test('a matrix that is not positive definite gives NaN from the pivot on', async () => {
    const a = [
      [1, 2, 0],
      [2, 1, 0],
      [0, 0, 1],
    ];
    const l = (await run('webgpu', () => cholesky(tf.stack([tensorOf(a), tensorOf(identity(3))])))).values;
    expect([...l.subarray(0, 9)]).toEqual([1, 0, 0, 2, Number.NaN, 0, 0, Number.NaN, Number.NaN]);
    expect([...l.subarray(9)]).toEqual(identity(3).flat());
    expect((await run('webgpu', () => logDeterminant(tensorOf(a)))).values[0]).toBeNaN();
  });

  test('no tensor is left behind', async () => {
    await setBackend('webgpu');
    const a = tf.eye(3);
    logDeterminant(a).dispose();
    const before = tf.memory().numTensors;
    for (const each of [cholesky(a), choleskyInverse(a), logDeterminant(a)]) each.dispose();
    expect(tf.memory().numTensors).toBe(before);
    a.dispose();
  });
});
