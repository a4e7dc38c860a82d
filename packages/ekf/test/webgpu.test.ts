// The filters on webgpu. Skipped where there is no adapter.
import '@posteriors/backend/cpu';
import { setBackend } from '@posteriors/backend';
import { provideWebGPU } from '@posteriors/testing';
import { withAux } from '@posteriors/transform';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import { denseFisher, denseGgn, diagFisher, diagGgn } from '../src/index.ts';
import { type Batch, logitsOf, logProbs } from './model.ts';

const available = await provideWebGPU();
if (available) await import('@posteriors/backend/webgpu');

const likelihood = (params: tf.Tensor, batch: Batch): [tf.Tensor, []] =>
  withAux(tf.mean(logProbs(logitsOf(params, batch), batch)), []);
const forward = (params: tf.Tensor, batch: Batch): [tf.Tensor, []] => withAux(logitsOf(params, batch), []);
const outer = (logits: tf.Tensor, batch: Batch): tf.Tensor => tf.sum(logProbs(logits, batch));
const diag = { learningRate: 0.5, transitionSd: 0.1 };
const dense = { learningRate: 0.5, transitionCov: 0.01 };

describe.skipIf(!available)('webgpu equals cpu', () => {
  test.each([
    ['diagFisher', () => diagFisher.build(likelihood, diag), diagFisher.sample],
    ['diagGgn', () => diagGgn.build(forward, outer, diag), diagGgn.sample],
    ['denseFisher', () => denseFisher.build(likelihood, dense), denseFisher.sample],
    ['denseGgn', () => denseGgn.build(forward, outer, dense), denseGgn.sample],
  ])('%s', async (_, build, sample) => {
    const results: { [field: string]: unknown }[] = [];
    for (const device of ['cpu', 'webgpu'] as const) {
      await setBackend(device);
      const transform = build();
      const batch = { x: tf.tensor2d([[1, 2, -1], [0.5, -0.3, 0.8]]), y: tf.tensor1d([1, 0]) }; // biome-ignore format: a matrix
      let state = transform.init(tf.tensor1d([0.2, -0.4, 0.6]), { seed: 0 });
      for (let i = 0; i < 3; i++) [state] = transform.update(state as never, batch);
      const draw = (sample as (state: unknown, options: object) => tf.Tensor)(state, { seed: 1, sampleShape: [2] });
      const read: { [field: string]: unknown } = { draw: await draw.array() };
      for (const [field, value] of Object.entries(state))
        if (value instanceof tf.Tensor) read[field] = await value.array();
      results.push(read);
    }
    expect(Object.keys(results[0] ?? {})).toHaveLength(4);
    expect(results[1]).toBeAllClose(results[0], { rtol: 1e-4, atol: 1e-5 });
  });
});
