// Models of convolutions: equal to tfjs's own, with gradients of each sample and populations of parameters.
import '@posteriors/backend/cpu';
import '@posteriors/backend/wasm';
import { setBackend } from '@posteriors/backend';
import '@posteriors/testing';
import * as tree from '@posteriors/tree';
import * as tf from '@tensorflow/tfjs';
import { describe, expect, test } from 'vitest';
import { grad, jit, type ModelParameters, modelParameters, modelToFunction, vmap } from '../src/index.ts';
import { uniforms } from './float64.ts';

type Tensor = tf.Tensor;
type Shape = readonly number[];

const uniform = uniforms(3);
const random = (shape: Shape): Tensor =>
  tf.tensor(
    Array.from({ length: shape.reduce((n, m) => n * m, 1) }, () => Math.fround(2 * uniform() - 1)),
    [...shape],
  );

describe.each(['cpu', 'wasm'] as const)('on %s', (device) => {
  const layers: readonly [string, () => tf.layers.Layer[], Shape][] = [
    [
      'conv2d',
      () => [
        tf.layers.conv2d({ filters: 3, kernelSize: 3, strides: 2, activation: 'relu', inputShape: [6, 5, 2] }),
        tf.layers.conv2d({ filters: 2, kernelSize: 2, padding: 'same', activation: 'tanh' }),
      ],
      [6, 5, 2],
    ],
    [
      'conv2d with dilations',
      () => [tf.layers.conv2d({ filters: 2, kernelSize: 2, dilationRate: 2, inputShape: [5, 5, 1] })],
      [5, 5, 1],
    ],
    ['conv1d', () => [tf.layers.conv1d({ filters: 3, kernelSize: 3, inputShape: [7, 2] })], [7, 2]],
    [
      'depthwise and separable',
      () => [
        tf.layers.depthwiseConv2d({ kernelSize: 2, depthMultiplier: 2, inputShape: [4, 4, 2] }),
        tf.layers.separableConv2d({ filters: 3, kernelSize: 2, padding: 'same' }),
      ],
      [4, 4, 2],
    ],
    [
      'transposed',
      () => [
        tf.layers.conv2dTranspose({ filters: 2, kernelSize: 3, strides: 2, padding: 'same', inputShape: [3, 3, 2] }),
      ],
      [3, 3, 2],
    ],
    [
      'three axes',
      () => [
        tf.layers.conv3d({ filters: 2, kernelSize: 2, inputShape: [3, 3, 3, 1] }),
        tf.layers.conv3dTranspose({ filters: 1, kernelSize: 2, strides: 2 }),
      ],
      [3, 3, 3, 1],
    ],
  ];

  test.each(layers)('%s: per-sample gradients equal the loop', async (_, make, shape) => {
    await setBackend('cpu');
    const model = tf.sequential({
      layers: [...make(), tf.layers.flatten(), tf.layers.dense({ units: 2, activation: 'softmax' })],
    });
    const x = random([3, ...shape]);
    const expected = (model.predict(x) as Tensor).arraySync();
    await setBackend(device);
    const f = modelToFunction(model);
    const parameters = modelParameters(model);
    // tfjs itself computes transposed convolutions of three axes wrongly on wasm.
    const run = jit(f);
    expect(run(parameters, x)).toBeAllClose(expected);

    const loss = (p: ModelParameters, one: Tensor): Tensor => tf.sum(tf.square(f(p, tf.expandDims(one))));
    const all = vmap(grad(loss), { inAxes: [null, 0] })(parameters, x);
    const each = tf.unstack(x).map((one) => grad(loss)(parameters, one));
    const stacked = tree.map((...leaves: Tensor[]) => tf.stack(leaves), each[0]!, ...each.slice(1));
    expect(tree.flatten(all).leaves).toBeAllClose(tree.flatten(stacked).leaves, { atol: 1e-5 });
    expect(tree.flatten(jit(vmap(grad(loss), { inAxes: [null, 0] }))(parameters, x)).leaves).toBeAllClose(
      tree.flatten(stacked).leaves,
      { atol: 1e-5 },
    );

    const population = tree.map((leaf: Tensor) => tf.stack([leaf, tf.mul(leaf, 0.5)]), parameters);
    const halves = tree.map((leaf: Tensor) => tf.mul(leaf, 0.5), parameters);
    expect(vmap(f, { inAxes: [0, null] })(population, x)).toBeAllClose(tf.stack([run(parameters, x), run(halves, x)]));
    model.dispose();
  });
});
