// Steps on webgpu against those on cpu. Skipped where there is no adapter.
import { setBackend } from '@posteriors/backend';
import * as optim from '@posteriors/optim';
import { provideWebGPU } from '@posteriors/testing';
import { leaves } from '@posteriors/tree';
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { families, type LogProb } from './families.ts';

const available = await provideWebGPU();

const logPosterior: LogProb = (theta, _, { key }) => {
  const coupled = tf.sum(tf.mul(theta.a, theta.b));
  const square = tf.add(tf.sum(tf.square(theta.a)), tf.square(theta.b));
  return [tf.sub(tf.mul(0.3, coupled), square), { theta, key }];
};

describe.skipIf(!available)('webgpu', () => {
  beforeAll(async () => {
    await import('@posteriors/backend/webgpu');
  });
  afterEach(async () => {
    await setBackend('cpu');
  });

  test.each(families)('$name: five steps and a draw', async (family) => {
    const results: number[][] = [];
    for (const device of ['cpu', 'webgpu'] as const) {
      await setBackend(device);
      const optimizer = optim.adam({ learningRate: 0.05 });
      const transform = family.build(logPosterior, optimizer, { ...family.small, nSamples: 3, temperature: 0.5 });
      const state = transform.init({ a: tf.tensor2d([[1, -1, 0]]), b: tf.scalar(0.5) }, { seed: 1 });
      for (let i = 0; i < 5; i++) transform.update(state, null, { inplace: true });
      const draw = family.sample(state, { seed: 2 });
      const tensors = leaves<unknown>([state.params, state[family.field], state.nelbo, draw]) as tf.Tensor[];
      results.push((await Promise.all(tensors.map(async (each) => [...(await each.data())]))).flat());
    }
    expect(results[1]).toBeAllClose(results[0] as number[], { rtol: 1e-4, atol: 1e-4 });
  });
});
