// Densities and draws on webgpu against those on cpu. Skipped where there is no adapter.
import '@posteriors/backend/cpu';
import { grad } from '@posteriors/autodiff';
import { setBackend } from '@posteriors/backend';
import { key } from '@posteriors/random';
import { provideWebGPU } from '@posteriors/testing';
import { matMul, reshape, sum, type Tensor, tensor1d, tensor2d } from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import {
  cumulativeMeanAndCov,
  denseNormalSample,
  gaussianLogProb,
  LFromFlat,
  LToFlat,
  multivariateNormalLogProb,
  multivariateNormalSample,
  poissonLogProb,
} from '../src/index.ts';

const available = await provideWebGPU();

describe.skipIf(!available)('webgpu', () => {
  beforeAll(async () => {
    await import('@posteriors/backend/webgpu');
  });
  afterEach(async () => {
    await setBackend('cpu');
  });

  const flat = () => tensor1d([1, -0.4, 2, -0.7, 0.4, -1.5]);
  const covariance = () => matMul(LFromFlat(flat()), LFromFlat(flat()), false, true);
  const rows = () => tensor2d([[1, 2, 3], [0, -1, 2], [0.5, 0.1, -0.3]]); // biome-ignore format: rows
  const counts = () => tensor1d([0, 3, 15, 16, 40], 'int32');
  const rates = () => tensor1d([0.5, 2, 20, 15, 38]);

  test.each<[string, () => Tensor]>([
    ['LFromFlat', () => LFromFlat(flat())],
    ['the gradient of LFromFlat', () => grad((v: Tensor) => sum(matMul(rows(), LFromFlat(v))))(flat())],
    ['LToFlat', () => LToFlat(rows())],
    ['density by factor', () => multivariateNormalLogProb(rows(), 0.5, { factor: LFromFlat(flat()) })],
    ['density by covariance', () => multivariateNormalLogProb(rows(), 0.5, { covariance: covariance() })],
    ['density by precision', () => multivariateNormalLogProb(rows(), 0.5, { precision: covariance() })],
    [
      'its gradient in the covariance',
      () => grad((s: Tensor) => sum(multivariateNormalLogProb(rows(), 0.5, { covariance: s })))(covariance()),
    ],
    ['draws by covariance', () => multivariateNormalSample(key(1), rows(), { covariance: covariance() })],
    ['draws by precision', () => multivariateNormalSample(key(1), rows(), { precision: covariance() })],
    ['draws of a tree', () => denseNormalSample(key(1), { a: reshape(flat(), [2, 3]) }, { factor: LFromFlat(tensor1d(new Array(21).fill(0.3))) }).a], // biome-ignore format: one line
    ['gaussianLogProb', () => gaussianLogProb(rates(), tensor1d([1, 2, 3, 4, 5]), 2)],
    ['poissonLogProb', () => poissonLogProb({ rate: rates() }, counts())],
    ['its gradient', () => grad((rate: Tensor) => sum(poissonLogProb({ rate }, counts())))(rates())],
    ['cumulativeMeanAndCov', () => cumulativeMeanAndCov(rows()).covs],
  ])('%s', async (_, f) => {
    const [expected, actual] = [[] as number[], [] as number[]];
    for (const [device, into] of [
      ['cpu', expected],
      ['webgpu', actual],
    ] as const) {
      // biome-ignore format: rows
      await setBackend(device);
      into.push(...(await f().data()));
    }
    expect(actual).toBeAllClose(expected, { rtol: 2e-5, atol: 2e-5 });
  });
});
