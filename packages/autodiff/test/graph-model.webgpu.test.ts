// Converted models on webgpu: shapes that a graph computes are known there too. Skipped where there is no adapter.
import { setBackend } from '@posteriors/backend';
import { expectNoLeak, provideWebGPU } from '@posteriors/testing';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { type GraphParameters, grad, jit, modelParameters, modelToFunction } from '../src/index.ts';
import { attentionModel, convolutionModel, resizeModel } from './graph-models.ts';
import { energy } from './model-gradients.ts';

const available = await provideWebGPU();

describe.skipIf(!available)('webgpu', () => {
  beforeAll(async () => {
    await import('@posteriors/backend/cpu');
    await import('@posteriors/backend/webgpu');
  });

  test.each([
    ['a computed reshape', convolutionModel, [2, 6, 6, 2]],
    ['attention with computed shapes', attentionModel, [2, 3, 4]],
    ['a resize by a factor', resizeModel, [2, 2, 4, 2]],
  ])('%s: as on cpu', async (_, build, shape) => {
    await setBackend('cpu');
    const model = build();
    const f = modelToFunction(model);
    const size = tf.util.sizeFromShape(shape);
    const x = tf.tensor(
      Array.from({ length: size }, (_, i) => Math.sin(i)),
      shape,
    );
    const parameters = modelParameters(model);
    const loss = (p: GraphParameters): tf.Tensor => energy(f(p, x));
    const run = async (): Promise<(readonly number[])[]> => {
      const slope = jit(grad(loss));
      const results = [f(parameters, x), ...Object.values(slope(parameters))];
      const values = await Promise.all(results.map(async (result) => [...(await result.data())]));
      tf.dispose(results);
      slope.dispose(); // and not by the collector of garbage, while others are counted
      return values;
    };
    const expected = await run();
    await setBackend('webgpu');
    expect(await run()).toBeAllClose(expected, { rtol: 1e-4, atol: 1e-4 });
    await expectNoLeak(async () => {
      const result = f(parameters, x);
      await result.data();
      result.dispose();
    });
  });
});
