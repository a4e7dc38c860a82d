// Convolutions of sizes at which tfjs's webgpu device takes other programs than for small ones.
import * as tf from '@tensorflow/tfjs-core';
import { type Case, real } from './draws.ts';

type Tensor = tf.Tensor;

const conv2d =
  (strides: number, pad: 'same' | 'valid') =>
  (x: Tensor, filter: Tensor): Tensor =>
    tf.conv2d(x as tf.Tensor4D, filter as tf.Tensor4D, strides, pad);

const depthwise =
  (strides: number, pad: 'same' | 'valid') =>
  (x: Tensor, filter: Tensor): Tensor =>
    tf.depthwiseConv2d(x as tf.Tensor4D, filter as tf.Tensor4D, strides, pad);

export const largeConvolutionCases: readonly Case[] = (
  [
    ['Conv2D', [2, 12, 12, 8], [3, 3, 8, 16], conv2d(1, 'same')],
    ['Conv2D', [2, 11, 9, 8], [3, 3, 8, 4], conv2d(2, 'same')],
    ['Conv2D', [2, 8, 8, 8], [1, 1, 8, 4], conv2d(1, 'valid')],
    ['DepthwiseConv2dNative', [2, 9, 8, 8], [3, 3, 8, 1], depthwise(1, 'same')],
    ['DepthwiseConv2dNative', [1, 12, 11, 4], [3, 3, 4, 1], depthwise(2, 'valid')],
  ] as const
).map(([kernel, x, filter, f]) => ({
  name: `${kernel} of [${x}] and [${filter}]`,
  kernel,
  f,
  draws: [real(-1, 1), real(-1, 1)],
  shapes: [x, filter],
}));
