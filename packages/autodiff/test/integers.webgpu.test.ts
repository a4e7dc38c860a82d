// Integers of 32 bits and truth values, which webgpu moves to the bit, and reduces as cpu does. Skipped where there is no adapter.
import '@posteriors/backend/cpu';
import { setBackend } from '@posteriors/backend';
import { provideWebGPU } from '@posteriors/testing';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { jit, scan } from '../src/index.ts';

type Tensor = tf.Tensor;

const places = (values: number[], depth: number): Tensor =>
  tf.tensor2d(values, [values.length / depth, depth], 'int32');
const firstOf = (x: Tensor): Tensor => tf.slice(x, [0, 0, 0], [1, 3, 2]);

/** What only moves elements of `[2, 3, 2]`. */
const movements: readonly [string, (x: Tensor) => Tensor][] = [
  ['transpose', (x) => tf.transpose(x, [2, 0, 1])],
  ['slice', (x) => tf.slice(x, [1, 1, 0], [1, 2, 1])],
  ['reverse', (x) => tf.reverse(x, [0, 2])],
  ['broadcastTo', (x) => tf.broadcastTo(tf.slice(x, [0, 0, 0], [2, 1, 2]), [2, 2, 3, 2])],
  ['tile', (x) => tf.tile(x, [2, 1, 3])],
  ['concat', (x) => tf.concat([x, x], 1)],
  ['pad', (x) => tf.pad(x, [[0, 1], [1, 0], [0, 2]], 1)], // biome-ignore format: pairs
  ['gather', (x) => tf.gather(x, tf.tensor1d([1, 0, 1], 'int32'), 1)],
  ['gatherND', (x) => tf.gatherND(x, places([1, 2, 0, 1], 2))],
  ['where', (x) => tf.where(tf.greater(tf.cast(x, 'int32'), 0), x, tf.zerosLike(x))],
  ['tensorScatterUpdate', (x) => tf.tensorScatterUpdate(x, places([1], 1), firstOf(x))],
  ['slices of a scan', (x) => scan((carry: Tensor, row: Tensor) => [row, carry], tf.reshape(firstOf(x), [3, 2]), x)[1]],
];

const reductions: readonly [string, (x: Tensor) => Tensor][] = [
  ['sum', (x) => tf.sum(tf.cast(x, 'int32'), [0, 2])],
  ['max', (x) => tf.max(tf.cast(x, 'int32'), 0)],
  ['any', (x) => tf.any(tf.cast(x, 'bool'), [0, 2])],
  ['all', (x) => tf.all(tf.cast(x, 'bool'), 1)],
  ['argMax', (x) => tf.argMax(tf.cast(x, 'int32'), 1)],
  ['cumsum', (x) => tf.cumsum(tf.cast(x, 'int32'), 0, false, true)],
  ['relu6', (x) => tf.relu6(tf.cast(x, 'int32'))],
  ['isFinite', (x) => tf.isFinite(tf.cast(x, 'int32'))],
  ['exp, rounded', (x) => tf.round(tf.exp(x))],
  ['logSumExp, rounded', (x) => tf.round(tf.mul(tf.logSumExp(tf.cast(x, 'int32'), 1), 1000))],
  ['as real numbers, transposed', (x) => tf.transpose(tf.cast(x, 'float32'), [2, 0, 1])],
];

const inputs = {
  words: { dtype: 'int32', values: Array.from({ length: 12 }, (_, i) => Math.imul(i + 1, 0x9e3779b1) | 0) },
  counts: { dtype: 'int32', values: Array.from({ length: 12 }, (_, i) => (i * 7) % 11) },
  truths: { dtype: 'bool', values: Array.from({ length: 12 }, (_, i) => Number((i * 5) % 3 === 0)) },
} as const;

const available = await provideWebGPU();

describe.skipIf(!available)('webgpu', () => {
  beforeAll(async () => {
    await import('@posteriors/backend/webgpu');
  });
  afterAll(() => setBackend('cpu'));

  const run = async (device: 'cpu' | 'webgpu', f: (x: Tensor) => Tensor, name: keyof typeof inputs) => {
    await setBackend(device);
    const { dtype, values } = inputs[name];
    const x = tf.tensor3d([...values], [2, 3, 2], dtype);
    const y = jit(f)(x);
    return { dtype: y.dtype, shape: y.shape, values: Array.from(await y.data(), Number) };
  };

  test.each([
    ...movements.flatMap(([name, f]) => [['words', name, f] as const, ['truths', name, f] as const]),
    ...reductions.flatMap(([name, f]) => [['counts', name, f] as const, ['truths', name, f] as const]),
  ])('%s: %s', async (input, _, f) => {
    expect(await run('webgpu', f, input)).toEqual(await run('cpu', f, input));
  });
});
