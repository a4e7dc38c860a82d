// Predictions on webgpu. Skipped where there is no adapter.
import '@posteriors/backend/cpu';
import { setBackend } from '@posteriors/backend';
import { provideWebGPU } from '@posteriors/testing';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import { linearizedPredictive, type ParameterSpread } from '../src/index.ts';

const available = await provideWebGPU();
if (available) await import('@posteriors/backend/webgpu');

const forward = (w: tf.Tensor, x: tf.Tensor): [tf.Tensor, []] => [tf.tanh(tf.matMul(x, tf.reshape(w, [3, 2]))), []];
const diagonal = (): tf.Tensor => tf.diag(tf.tensor1d([1, 2, 3, 4, 5, 6]));

describe.skipIf(!available)('webgpu equals cpu', () => {
  const spreads: [string, () => ParameterSpread][] = [
    ['sdDiag', () => ({ sdDiag: 0.5 })],
    ['covariance', () => ({ covariance: diagonal() })],
    ['precision', () => ({ precision: diagonal() })],
    ['root', () => ({ root: diagonal() })],
    ['precDiag', () => ({ precDiag: 4 })],
  ];
  test.each(spreads)('%s', async (_, spread) => {
    const run = async (device: 'cpu' | 'webgpu'): Promise<unknown> => {
      await setBackend(device);
      const [w, x] = [tf.linspace(-1, 1, 6), tf.tensor2d([[1, 2, -1], [0.5, -0.3, 0.8]])]; // biome-ignore format: a matrix
      const results = (['covariance', 'factor', 'variance'] as const).map((output) =>
        linearizedPredictive(forward, w, x, spread(), { output }),
      );
      return Promise.all(results.flatMap(([mean, matrix]) => [mean.array(), matrix.array()]));
    };
    const expected = await run('cpu');
    expect(await run('webgpu')).toBeAllClose(expected, { rtol: 1e-4, atol: 1e-5 });
  });
});
