// Convolutions and their gradients on webgpu against float64. Skipped where there is no adapter.
import { currentBackend, setBackend } from '@posteriors/backend';
import { interpret } from '@posteriors/interpreter';
import { provideWebGPU } from '@posteriors/testing';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, test } from 'vitest';
import { grad, vmap } from '../src/index.ts';
import { convolutionCases } from './cases-convolution.ts';
import { type Case, real } from './draws.ts';
import { draw, expectClose, programOf, uniforms } from './float64.ts';

type Tensor4D = tf.Tensor4D;

// Sizes at which the device takes other programs.
const larger = (
  [
    [
      'Conv2D',
      [2, 12, 12, 8],
      [3, 3, 8, 16],
      (x: tf.Tensor, w: tf.Tensor) => tf.conv2d(x as Tensor4D, w as Tensor4D, 1, 'same'),
    ],
    [
      'Conv2D',
      [2, 11, 9, 8],
      [3, 3, 8, 4],
      (x: tf.Tensor, w: tf.Tensor) => tf.conv2d(x as Tensor4D, w as Tensor4D, 2, 'same'),
    ],
    [
      'Conv2D',
      [2, 8, 8, 8],
      [1, 1, 8, 4],
      (x: tf.Tensor, w: tf.Tensor) => tf.conv2d(x as Tensor4D, w as Tensor4D, 1, 'valid'),
    ],
    [
      'DepthwiseConv2dNative',
      [2, 9, 8, 8],
      [3, 3, 8, 1],
      (x: tf.Tensor, w: tf.Tensor) => tf.depthwiseConv2d(x as Tensor4D, w as Tensor4D, 1, 'same'),
    ],
    [
      'DepthwiseConv2dNative',
      [1, 12, 11, 4],
      [3, 3, 4, 1],
      (x: tf.Tensor, w: tf.Tensor) => tf.depthwiseConv2d(x as Tensor4D, w as Tensor4D, 2, 'valid'),
    ],
  ] as const
).map(
  ([kernel, x, filter, f]): Case => ({
    name: `${kernel} of [${x}] and [${filter}]`,
    kernel,
    f,
    draws: [real(-1, 1), real(-1, 1)],
    shapes: [x, filter],
  }),
);

const available = await provideWebGPU();

describe.skipIf(!available)('webgpu', () => {
  beforeAll(async () => {
    await import('@posteriors/backend/webgpu');
    await setBackend('webgpu');
  });

  test.each([...convolutionCases, ...larger].map((each) => [each.name, each] as const))('%s', async (_, each) => {
    const inputs = draw(each, uniforms(11));
    const loss = (xs: tf.Tensor[]): tf.Tensor => tf.sum(tf.square(each.f(...xs)));
    const perExample = vmap((...xs: tf.Tensor[]) => grad(loss)(xs));
    const program = programOf((xs) => {
      const examples = xs.map((x) => tf.stack([x, tf.mul(x, 2)]));
      return [each.f(...xs), ...grad(loss)(xs), ...perExample(...examples)];
    }, inputs);
    const expected = interpret(program, inputs);
    const executable = currentBackend().compile(program);
    const results = executable.run(inputs.map(({ values }) => Float32Array.from(values)));
    for (const [i, result] of results.entries()) {
      expectClose(`output ${i}`, await result.data(), expected[i]!.values, 1e-4, 1e-6);
      result.dispose();
    }
    executable.dispose();
  });
});
