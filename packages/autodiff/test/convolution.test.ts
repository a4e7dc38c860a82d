// Convolutions through tfjs's own functions: traced equals eager, gradients equal differences.
import '@posteriors/backend/cpu';
import '@posteriors/backend/wasm';
import { setBackend, theEngine } from '@posteriors/backend';
import '@posteriors/testing';
import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { grad, jit, vmap } from '../src/index.ts';
import { uniforms } from './float64.ts';

type Tensor = tf.Tensor;
type Tensor4D = tf.Tensor4D;
type Tensor5D = tf.Tensor5D;
type Function = (a: Tensor, b: Tensor) => Tensor;
type Shape = readonly number[];

const uniform = uniforms(3);
const random = (shape: Shape): Tensor =>
  tf.tensor(
    Array.from({ length: shape.reduce((n, m) => n * m, 1) }, () => Math.fround(2 * uniform() - 1)),
    [...shape],
  );

const conv2d =
  (
    strides: number | [number, number],
    pad: Parameters<typeof tf.conv2d>[3],
    dilations: number | [number, number] = 1,
    rounding?: 'floor' | 'round' | 'ceil',
    format: 'NHWC' | 'NCHW' = 'NHWC',
  ): Function =>
  (x, filter) =>
    tf.conv2d(x as Tensor4D, filter as Tensor4D, strides, pad, format, dilations, rounding);
const depthwise =
  (strides: number | [number, number], pad: 'same' | 'valid', dilations: number | [number, number] = 1): Function =>
  (x, filter) =>
    tf.depthwiseConv2d(x as Tensor4D, filter as Tensor4D, strides, pad, 'NHWC', dilations);
const explicit: Parameters<typeof tf.conv2d>[3] = [
  [0, 0],
  [2, 0],
  [1, 3],
  [0, 0],
];
const kernel =
  (name: string, names: readonly [string, string], attributes: object): Function =>
  (a, b) =>
    theEngine().runKernel(name, { [names[0]]: a, [names[1]]: b }, attributes) as Tensor;

// Bilinear functions that tfjs computes rightly on cpu, and shapes for them.
const programs: readonly [string, Function, Shape, Shape][] = [
  ['conv2d, same', conv2d(1, 'same'), [2, 5, 4, 3], [3, 2, 3, 2]],
  ['conv2d, same, strides', conv2d([2, 3], 'same'), [2, 6, 5, 3], [3, 2, 3, 2]],
  ['conv2d, valid, strides', conv2d(2, 'valid'), [2, 6, 5, 1], [3, 2, 1, 2]],
  ['conv2d, explicit', conv2d([1, 2], explicit), [1, 3, 4, 2], [2, 3, 2, 1]],
  ['conv2d, a number', conv2d(2, 1), [1, 5, 6, 2], [3, 3, 2, 1]],
  ['conv2d, rounded up', conv2d(2, 1, 1, 'ceil'), [1, 4, 4, 2], [3, 3, 2, 1]],
  ['conv2d, rounded down', conv2d(2, 1, 1, 'floor'), [1, 4, 4, 2], [3, 3, 2, 1]],
  ['conv2d, rounded', conv2d(4, 1, 1, 'round'), [1, 8, 8, 1], [3, 3, 1, 1]],
  ['conv2d, dilations', conv2d(1, 'same', [2, 3]), [1, 5, 7, 2], [2, 3, 2, 2]],
  ['conv2d, channels first', conv2d([2, 1], 'same', 1, undefined, 'NCHW'), [2, 3, 5, 4], [3, 2, 3, 2]],
  [
    'conv2d, channels first, explicit',
    (x, filter) =>
      tf.conv2d(
        x as Tensor4D,
        filter as Tensor4D,
        1,
        [
          [0, 0],
          [0, 0],
          [1, 0],
          [0, 2],
        ],
        'NCHW',
      ),
    [1, 2, 4, 3],
    [2, 2, 2, 3],
  ],
  ['conv2d of one image', conv2d(1, 'valid'), [4, 4, 2], [2, 2, 2, 3]],
  ['conv1d', (x, f) => tf.conv1d(x as tf.Tensor3D, f as tf.Tensor3D, 2, 'same'), [2, 7, 3], [3, 3, 2]],
  [
    'conv1d, dilations',
    (x, f) => tf.conv1d(x as tf.Tensor2D, f as tf.Tensor3D, 1, 'valid', 'NWC', 3),
    [9, 2],
    [3, 2, 2],
  ],
  [
    'conv2dTranspose',
    (x, f) => tf.conv2dTranspose(x as Tensor4D, f as Tensor4D, [2, 7, 4, 3], [2, 1], 'same'),
    [2, 4, 4, 2],
    [3, 2, 3, 2],
  ],
  [
    'conv2dTranspose of one image',
    (x, f) => tf.conv2dTranspose(x as tf.Tensor3D, f as Tensor4D, [5, 6, 1], 2, 'valid'),
    [2, 2, 2],
    [2, 3, 1, 2],
  ],
  ['depthwiseConv2d', depthwise([2, 2], 'same'), [2, 5, 4, 3], [3, 2, 3, 2]],
  ['depthwiseConv2d, dilations', depthwise(1, 'valid', [2, 3]), [1, 5, 7, 3], [2, 2, 3, 1]],
  [
    'separableConv2d',
    (x, f) => tf.separableConv2d(x as Tensor4D, f as Tensor4D, tf.ones([1, 1, 4, 3]) as Tensor4D, 1, 'same'),
    [2, 4, 3, 2],
    [2, 3, 2, 2],
  ],
  ['conv3d', (x, f) => tf.conv3d(x as Tensor5D, f as Tensor5D, [1, 2, 1], 'same'), [2, 3, 4, 5, 2], [2, 2, 3, 2, 3]],
  [
    'conv3d, dilations',
    (x, f) => tf.conv3d(x as Tensor5D, f as Tensor5D, 1, 'valid', 'NDHWC', [2, 1, 2]),
    [1, 4, 3, 5, 2],
    [2, 2, 3, 2, 1],
  ],
  [
    'conv3dTranspose',
    (x, f) => tf.conv3dTranspose(x as Tensor5D, f as Tensor5D, [1, 3, 4, 4, 3], [1, 2, 2], 'same'),
    [1, 3, 2, 2, 2],
    [2, 2, 3, 3, 2],
  ],
  [
    'Conv2DBackpropFilter',
    kernel('Conv2DBackpropFilter', ['x', 'dy'], {
      strides: 2,
      pad: 'same',
      dataFormat: 'NHWC',
      filterShape: [3, 2, 2, 3],
    }),
    [2, 5, 4, 2],
    [2, 3, 2, 3],
  ],
  [
    'Conv2DBackpropInput, channels first',
    kernel('Conv2DBackpropInput', ['dy', 'filter'], {
      strides: 2,
      pad: 'same',
      dataFormat: 'NCHW',
      inputShape: [2, 2, 5, 4],
    }),
    [2, 3, 3, 2],
    [3, 2, 2, 3],
  ],
  [
    'DepthwiseConv2dNativeBackpropInput',
    kernel('DepthwiseConv2dNativeBackpropInput', ['dy', 'filter'], {
      strides: [1, 1],
      dilations: [1, 1],
      pad: 'same',
      inputShape: [2, 4, 4, 2],
    }),
    [2, 4, 4, 4],
    [3, 2, 2, 2],
  ],
  [
    'DepthwiseConv2dNativeBackpropFilter',
    kernel('DepthwiseConv2dNativeBackpropFilter', ['x', 'dy'], {
      strides: [1, 1],
      dilations: [1, 1],
      pad: 'valid',
      filterShape: [3, 2, 2, 2],
    }),
    [2, 4, 4, 2],
    [2, 2, 3, 4],
  ],
  [
    'Conv3DBackpropFilterV2',
    kernel('Conv3DBackpropFilterV2', ['x', 'dy'], {
      strides: [1, 2, 1],
      pad: 'same',
      filterShape: [2, 2, 3, 2, 3],
    }),
    [2, 3, 4, 5, 2],
    [2, 3, 2, 5, 3],
  ],
];

beforeAll(async () => {
  await setBackend('cpu');
  tf.engine().startScope();
});
afterAll(async () => {
  await setBackend('cpu');
  tf.engine().endScope();
});

describe.each(['cpu', 'wasm'] as const)('on %s', (device) => {
  describe.each(programs)('%s', (_, f, shapeA, shapeB) => {
    test('traced equals eager', async () => {
      await setBackend('cpu');
      const [a, b] = [random(shapeA), random(shapeB)];
      const expected = f(a, b);
      const values = expected.arraySync();
      await setBackend(device);
      const found = jit(f)(a, b);
      expect(found.shape).toEqual(expected.shape);
      expect(found).toBeAllClose(values);
    });

    test('gradients are the differences', async () => {
      await setBackend('cpu');
      const [a, b, da, db] = [random(shapeA), random(shapeB), random(shapeA), random(shapeB)];
      const weights = random(f(a, b).shape);
      const of = (x: Tensor): number => tf.sum(tf.mul(x, weights)).dataSync()[0]!;
      // Linear in each: a difference is the derivative.
      const expected = [of(f(da, b)), of(f(a, db))];
      await setBackend(device);
      const loss = ([x, y]: [Tensor, Tensor]): Tensor => tf.sum(tf.mul(f(x, y), weights));
      const slopes = grad(loss)([a, b]);
      const along = [tf.sum(tf.mul(slopes[0], da)), tf.sum(tf.mul(slopes[1], db))];
      expect(along.map((x) => x.dataSync()[0]!)).toBeAllClose(expected, { atol: 1e-4 });
    });
  });

  test.each([
    ['linear', undefined],
    ['relu', undefined],
    ['relu6', undefined],
    ['elu', undefined],
    ['sigmoid', undefined],
    ['leakyrelu', 0.3],
    ['prelu', undefined],
  ] as const)('fused with %s', async (activation, leakyreluAlpha) => {
    await setBackend('cpu');
    const alpha = activation === 'prelu' ? { preluActivationWeights: tf.tensor1d([0.25, 0.5]) } : {};
    const rest = {
      strides: 1,
      pad: 'same',
      activation,
      ...alpha,
      ...(leakyreluAlpha ? { leakyreluAlpha } : {}),
    } as const;
    const bias = tf.tensor1d([0.3, -0.2]);
    const whole: Function = (x, filter) =>
      tf.fused.conv2d({ x: x as Tensor4D, filter: filter as Tensor4D, bias, ...rest });
    const apart: Function = (x, filter) =>
      tf.fused.depthwiseConv2d({ x: x as Tensor4D, filter: filter as Tensor4D, bias, ...rest });
    // As a converted model runs them, whatever the activation is.
    const attributes = { dataFormat: 'NHWC', dilations: 1, ...rest };
    const direct: Function = (x, filter) =>
      theEngine().runKernel('FusedConv2D', { x, filter, bias, ...alpha } as never, attributes) as Tensor;
    for (const [f, channels] of [
      [whole, 2],
      [direct, 2],
      [apart, 1],
    ] as const) {
      await setBackend('cpu');
      const [x, filter] = [random([1, 3, 3, 2]), random([2, 2, 2, channels])];
      const expected = f(x, filter).arraySync();
      await setBackend(device);
      expect(jit(f)(x, filter)).toBeAllClose(expected);
    }
  });

  test('fused with channels first', async () => {
    await setBackend('cpu');
    const attributes = {
      strides: 1,
      pad: 'valid',
      dataFormat: 'NCHW',
      dilations: 1,
      activation: 'prelu',
    };
    const [bias, alpha] = [random([3]), random([3])];
    const f: Function = (x, filter) =>
      theEngine().runKernel('FusedConv2D', { x, filter, bias, preluActivationWeights: alpha }, attributes) as Tensor;
    const [x, filter] = [random([2, 2, 4, 3]), random([2, 2, 2, 3])];
    const expected = f(x, filter).arraySync();
    await setBackend(device);
    expect(jit(f)(x, filter)).toBeAllClose(expected);
  });

  // tfjs takes the number of rows for both axes.
  test('a padding of one number with a window that is not square', async () => {
    await setBackend(device);
    const [x, filter] = [random([1, 4, 5, 1]), random([3, 1, 1, 1])];
    const pairs: Parameters<typeof tf.conv2d>[3] = [
      [0, 0],
      [1, 1],
      [1, 1],
      [0, 0],
    ];
    expect(jit(conv2d(1, 1))(x, filter).shape).toEqual([1, 4, 7, 1]);
    expect(jit(conv2d(1, 1))(x, filter)).toBeAllClose(jit(conv2d(1, pairs))(x, filter));
  });

  // tfjs's paddings of three axes become negative, so that the first row is left out.
  test('same padding in three axes with strides beyond the window', async () => {
    await setBackend(device);
    const x = tf.reshape(tf.range(0, 4), [1, 4, 1, 1, 1]) as Tensor5D;
    const f = (each: Tensor5D): Tensor => tf.conv3d(each, tf.ones([1, 1, 1, 1, 1]) as Tensor5D, 3, 'same');
    expect(tf.reshape(jit(f)(x), [2])).toBeAllClose([0, 3]);
  });

  test('what is no padding is refused', () => {
    const [x, filter] = [random([1, 4, 4, 1]), random([1, 1, 1, 1])];
    expect(() => jit(conv2d(1, 0.5))(x, filter)).toThrow('the padding 0.5 of a convolution');
  });

  test('shapes that do not belong together are refused, and integers', () => {
    const f: Function = (x, filter) => tf.conv2dTranspose(x as Tensor4D, filter as Tensor4D, [1, 9, 9, 1], 1, 'same');
    expect(() => jit(f)(random([1, 2, 2, 1]), random([2, 2, 1, 1]))).toThrow(
      'Conv2DBackpropInput: dy of shape [1,2,2,1] and filter of shape [2,2,1,1] do not belong together',
    );
    const g: Function = (x, filter) => tf.conv3d(x as Tensor5D, filter as Tensor5D, 1, 'same');
    const integers = tf.ones([1, 1, 1, 1, 1], 'int32');
    expect(() => jit(g)(integers, integers)).toThrow('Conv3D: takes float32, not int32 and int32');
  });

  test('the second derivative with respect to the filter', async () => {
    await setBackend(device);
    const [x, w, v] = [random([2, 4, 3, 2]), random([2, 2, 2, 3]), random([2, 2, 2, 3])];
    const f = (filter: Tensor): Tensor => conv2d(1, 'same')(x, filter);
    // Half the squares of a linear function: H v = J^T J v, so <v, H v> = |J v|^2.
    const loss = (filter: Tensor): Tensor => tf.mul(0.5, tf.sum(tf.square(f(filter))));
    const product = grad((filter: Tensor) => tf.sum(tf.mul(grad(loss)(filter), v)))(w);
    expect(tf.sum(tf.mul(product, v))).toBeAllClose(tf.sum(tf.square(jit(f)(v))), { rtol: 1e-4 });
  });

  test('batches of none', async () => {
    await setBackend(device);
    const maps: readonly (readonly [Function, Shape, Shape])[] = [
      [conv2d(1, 'same'), [1, 3, 3, 2], [2, 2, 2, 3]],
      [depthwise(1, 'same'), [1, 3, 3, 2], [2, 2, 2, 3]],
    ];
    for (const [f, x, filter] of maps) {
      const slopes = (a: Tensor, b: Tensor): [Tensor, Tensor] =>
        grad(([p, q]: [Tensor, Tensor]) => tf.sum(tf.square(f(p, q))))([a, b]);
      for (const inAxes of [
        [0, null],
        [null, 0],
        [0, 0],
      ]) {
        const [a, b] = [x, filter].map((shape, i) => tf.zeros(inAxes[i] === 0 ? [0, ...shape] : [...shape])) as [
          Tensor,
          Tensor,
        ];
        expect(vmap(slopes, { inAxes })(a, b).map((each) => each.shape)).toEqual([
          [0, ...x],
          [0, ...filter],
        ]);
      }
    }
  });
});
