// The samplers on webgpu against those on cpu. Skipped where there is no adapter.
import { setBackend } from '@posteriors/backend';
import { provideWebGPU } from '@posteriors/testing';
import { check, disposeTensors, type LogProbFn, run, sampleChain } from '@posteriors/transform';
import { leaves } from '@posteriors/tree';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { names, pick, samplers } from './samplers.ts';

type Params = { readonly weight: tf.Tensor; readonly bias: tf.Tensor };

const available = await provideWebGPU();
const logPosterior: LogProbFn<Params, tf.Tensor, []> = ({ weight, bias }, x) => [
  tf.neg(tf.sum(tf.square(tf.add(tf.matMul(x, weight), bias)))),
  [],
];

describe.skipIf(!available)('webgpu', () => {
  beforeAll(async () => {
    await import('@posteriors/backend/webgpu');
  });
  afterAll(async () => {
    await setBackend('cpu');
  });

  test.each(names)('three updates of %s equal those on cpu', async (name) => {
    const results: Float32Array[][] = [];
    for (const device of ['cpu', 'webgpu'] as const) {
      await setBackend(device);
      const params = { weight: tf.tensor2d([1, -2, 0.5, 3, 0, 1], [3, 2]), bias: tf.tensor1d([0.1, -0.2]) };
      const batch = tf.tensor2d([1, 2, 3, -1, 0.5, 2], [2, 3]);
      const hyper = { learningRate: (step: number) => 0.01 / (step + 1), alpha: 2, sigma: 1.5, temperature: 0.5 };
      const transform = samplers[name].build(logPosterior, pick(name, hyper));
      const state = transform.init(params, { seed: 1 });
      for (let i = 0; i < 3; i++) transform.update(state, batch, { inplace: true, check: false });
      const { key: _, step: __, ...tensors } = state;
      const read = leaves<unknown>(tensors).flatMap((leaf) => (leaf instanceof tf.Tensor ? [leaf.data()] : []));
      results.push((await Promise.all(read)) as Float32Array[]);
      disposeTensors([state, params, batch]);
    }
    const [cpu, webgpu] = results as [Float32Array[], Float32Array[]];
    expect(webgpu).toBeAllClose(cpu, { rtol: 1e-4, atol: 1e-5 });
  });

  test('what becomes NaN is found by check and by the loops, which read the state; the update does not', async () => {
    await setBackend('webgpu');
    // Falls off the edge of the logarithm.
    const edge: LogProbFn<tf.Tensor, null, []> = (theta) => [tf.sum(tf.log(tf.sub(2, theta))), []];
    const transform = samplers.sgld.build(edge, { learningRate: 1, temperature: 0 });
    const start = () => transform.init(tf.tensor1d([0, 5]), { seed: 0 });
    const [first] = transform.update(start(), null);
    await expect(check(start())).resolves.toBeUndefined();
    await expect(check(first)).rejects.toThrow('check: after 1 updates logPosterior is NaN');
    await expect(run(transform, start(), [null, null])).rejects.toThrow('check: after 2 updates logPosterior is NaN');
    const long = start();
    await expect(sampleChain(transform, long, Array(250).fill(null), { thin: 50 })).rejects.toThrow(
      'after 100 updates',
    );
    expect(long.step).toBe(100);
  });
});
