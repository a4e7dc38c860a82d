// Derivatives that tfjs refuses or gets wrong: each is shown to fail there and to be right here, to 1e-4 of differences in float64.
import '@posteriors/backend/cpu';
import '@posteriors/backend/wasm';
import { setBackend } from '@posteriors/backend';
import { interpret } from '@posteriors/interpreter';
import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { grad } from '../src/index.ts';
import { difference, expectClose, type Input, only, programOf, runOnDevice, sizeOf } from './float64.ts';

type Tensor = tf.Tensor;
type Function = (x: Tensor) => Tensor;
type Gradient = (f: Function) => Function;
type Fault = readonly [name: string, shape: readonly number[], f: Function];

const weights = (y: Tensor): Tensor => tf.cos(tf.reshape(tf.range(0, y.size), y.shape));
const some = (shape: readonly number[]): Tensor => tf.sin(tf.reshape(tf.range(1, 1 + sizeOf(shape)), [...shape]));

/** A scalar in which every element of `f` is weighted and bent. */
const lossOf =
  (f: Function): Function =>
  (x) => {
    const y = f(x);
    return tf.sum(tf.mul(weights(y), tf.add(y, tf.square(y))));
  };

/** The directional derivative of an order of a loss, along `weights`, by gradients of gradients. */
function derivative(gradient: Gradient, loss: Function, order: number): Function {
  if (order === 0) return loss;
  const slope = gradient(derivative(gradient, loss, order - 1));
  return (x) => tf.sum(tf.mul(slope(x), weights(x)));
}

/** Numbers between 0.1 and 0.9 in no order, no two of which are near each other. */
function point(shape: readonly number[]): Input {
  const size = sizeOf(shape);
  return {
    dtype: 'float32',
    shape,
    values: Float64Array.from({ length: size }, (_, i) => Math.fround(0.1 + (0.8 * (((i + 1) * 37) % 101)) / 101)),
  };
}

/** The derivative in float64, by differences of the one of the order below. */
function expectedOf(loss: Function, x: Input, order: number): number {
  const ours: Gradient = (f) => grad(f);
  const below = programOf(([t]) => [derivative(ours, loss, order - 1)(t!)], [x]);
  const along = { ...x, values: Float64Array.from(x.values, (_, i) => Math.cos(i)) };
  return difference(below, 0, [x], [along])[0]!;
}

/** Whether tfjs throws, or gives another number. */
function failsInTfjs(loss: Function, x: Input, order: number, expected: number): boolean {
  tf.engine().startScope();
  try {
    const value = derivative((f) => tf.grad(f), loss, order)(tf.tensor(Float32Array.from(x.values), [...x.shape]));
    return !(Math.abs(value.dataSync()[0]! - expected) <= 1e-2 * Math.abs(expected));
  } catch {
    return true;
  } finally {
    tf.engine().endScope();
    closeTape();
  }
}

/** A gradient that fails leaves the tape of tfjs open. */
function closeTape(): void {
  Object.assign(tf.engine().state, { activeTape: null, gradientDepth: 0, kernelDepth: 0 });
}

const images = (x: Tensor): tf.Tensor4D => x as tf.Tensor4D;
const volumes = (x: Tensor): tf.Tensor5D => x as tf.Tensor5D;
const squared =
  (f: Function): Function =>
  (x) =>
    f(tf.square(x));
const pads = [
  [1, 1],
  [1, 1],
] as [number, number][];
const places = (values: number[], shape: number[]): Tensor => tf.tensor(values, shape, 'int32');
const labels = (): Tensor => tf.softmax(some([2, 3]));
const kept: readonly Fault[] = [
  ['max', [3], squared((x) => tf.max(x))],
  ['min', [3], squared((x) => tf.min(x))],
  ['elu', [3], squared((x) => tf.elu(tf.neg(x)))],
  ['pow', [3], squared((x) => tf.pow(tf.add(x, 1), x))],
  ['localResponseNormalization', [1, 1, 2, 4], (x) => tf.localResponseNormalization(images(x), 1, 1.5, 0.7, 0.6)],
  ['maxPool', [1, 4, 4, 1], squared((x) => tf.maxPool(images(x), 2, 2, 'valid'))],
  ['maxPool3d', [1, 2, 2, 4, 1], squared((x) => tf.maxPool3d(volumes(x), 2, 2, 'valid'))],
];

const groups: readonly [title: string, order: number, faults: readonly Fault[]][] = [
  [
    'the kernels that keep their result, at second order',
    2,
    [
      ['exp', [3], squared(tf.exp)],
      ['sigmoid', [3], squared(tf.sigmoid)],
      ['tanh', [3], squared(tf.tanh)],
      ['softmax', [2, 3], squared((x) => tf.softmax(x))],
      ['logSoftmax', [2, 3], squared((x) => tf.logSoftmax(x))],
      ...kept,
      ['softmaxCrossEntropy', [2, 3], (x) => tf.losses.softmaxCrossEntropy(labels(), x)],
      ['sigmoidCrossEntropy', [2, 3], (x) => tf.losses.sigmoidCrossEntropy(labels(), x)],
    ],
  ],
  [
    'what has such a kernel in its derivative, at third order',
    3,
    [
      ['erf', [3], squared(tf.erf)],
      ['expm1', [3], squared(tf.expm1)],
      ['softplus', [3], squared((x) => tf.softplus(tf.mul(x, 3)))],
      ['logSigmoid', [3], squared(tf.logSigmoid)],
      [
        'basicLSTMCell',
        [1, 2],
        (x) =>
          tf.basicLSTMCell(
            tf.scalar(1),
            some([4, 8]) as tf.Tensor2D,
            some([8]) as tf.Tensor1D,
            x as tf.Tensor2D,
            some([1, 2]) as tf.Tensor2D,
            some([1, 2]) as tf.Tensor2D,
          )[1],
      ],
    ],
  ],
  [
    'derivatives of derivatives that lack a gradient',
    2,
    [
      ['leakyRelu', [3], (x) => tf.leakyRelu(tf.sub(x, 0.5))],
      ['selu', [3], (x) => tf.selu(tf.sub(x, 0.5))],
      ['prelu', [3], (x) => tf.prelu(tf.sub(x, 0.5), tf.scalar(0.3))],
      ['minimum', [3], (x) => tf.minimum(tf.square(x), 0.3)],
      ['maximum', [3], (x) => tf.maximum(0.3, tf.square(x))],
      ['relu6', [3], (x) => tf.relu6(tf.square(x))],
      ['clipByValue', [3], (x) => tf.clipByValue(tf.square(x), 0.2, 0.5)],
      ['huberLoss', [3], (x) => tf.losses.huberLoss(tf.zeros([3]), tf.square(x))],
      ['logSumExp', [3], squared((x) => tf.logSumExp(x))],
      ['the maximum norm', [3], squared((x) => tf.norm(x, Number.POSITIVE_INFINITY))],
      [
        'a fused product with elu',
        [2, 3],
        (x) => tf.fused.matMul({ a: x as tf.Tensor2D, b: some([3, 2]) as tf.Tensor2D, activation: 'elu' }),
      ],
      ['prod', [3], (x) => tf.prod(x)],
      ['conv1d', [2, 2, 1], (x) => tf.conv1d(some([1, 4, 2]) as tf.Tensor3D, x as tf.Tensor3D, 1, 'same')],
      ['conv2d', [2, 2, 1, 1], (x) => tf.conv2d(images(some([1, 3, 3, 1])), images(x), 1, 'same')],
      [
        'conv2dTranspose',
        [2, 2, 1, 1],
        (x) => tf.conv2dTranspose(images(some([1, 2, 2, 1])), images(x), [1, 3, 3, 1], 1, 'valid'),
      ],
      [
        'separableConv2d',
        [2, 2, 1, 1],
        (x) => tf.separableConv2d(images(some([1, 3, 3, 1])), images(x), images(some([1, 1, 1, 2])), 1, 'same'),
      ],
      ['depthwiseConv2d', [2, 2, 1, 1], (x) => tf.depthwiseConv2d(images(some([1, 3, 3, 1])), images(x), 1, 'same')],
      ['conv3d', [1, 2, 2, 1, 1], (x) => tf.conv3d(volumes(some([1, 2, 2, 2, 1])), volumes(x), 1, 'same')],
      ['avgPool', [1, 4, 4, 1], (x) => tf.avgPool(images(x), 2, 2, 'valid')],
      ['avgPool3d', [1, 2, 2, 4, 1], (x) => tf.avgPool3d(volumes(x), 2, 2, 'valid')],
      [
        'dilation2d',
        [1, 3, 3, 1],
        (x) => tf.dilation2d(images(x), tf.mul(some([2, 2, 1]), 0.01) as tf.Tensor3D, 1, 'valid'),
      ],
      ['resizeBilinear', [1, 2, 2, 1], (x) => tf.image.resizeBilinear(images(x), [3, 3])],
      ['resizeNearestNeighbor', [1, 2, 2, 1], (x) => tf.image.resizeNearestNeighbor(images(x), [3, 3])],
    ],
  ],
  [
    'first derivatives that tfjs refuses',
    1,
    [
      ['where of a comparison', [3], (x) => tf.where(tf.greater(x, 0.4), x, tf.square(x))],
      ['divNoNan', [3], (x) => tf.divNoNan(x, tf.add(x, 1))],
      ['qr', [3, 2], (x) => tf.linalg.qr(x)[1]],
      ['einsum', [2, 3], (x) => tf.einsum('ij,kj->ik', x, some([2, 3]))],
      ['cumprod', [3], (x) => tf.cumprod(x)],
      ['topk', [5], (x) => tf.topk(x, 2).values],
      ['gatherND', [3], (x) => tf.gatherND(x, places([2, 0], [2, 1]))],
      ['scatterND', [2], (x) => tf.scatterND(places([2, 0], [2, 1]), x, [4])],
      ['tensorScatterUpdate', [3], (x) => tf.tensorScatterUpdate(x, places([1], [1, 1]), tf.tensor1d([2]))],
      ['sparseToDense', [2], (x) => tf.sparseToDense(places([2, 0], [2]), x, [3], 0)],
      ['stridedSlice', [5], (x) => tf.stridedSlice(x, [0], [5], [2])],
      ['depthToSpace', [1, 1, 1, 4], (x) => tf.depthToSpace(images(x), 2)],
      ['diag', [3], (x) => tf.diag(x)],
      ['bandPart', [3, 3], (x) => tf.linalg.bandPart(x, 1, 0)],
      ['maxPoolWithArgmax', [1, 2, 2, 1], (x) => tf.maxPoolWithArgmax(images(x), 2, 2, 'valid')['result'] as Tensor],
      [
        'conv3dTranspose',
        [1, 1, 2, 2, 1],
        (x) => tf.conv3dTranspose(volumes(x), volumes(some([1, 2, 2, 1, 1])), [1, 1, 3, 3, 1], 1, 'valid'),
      ],
      [
        'cropAndResize',
        [1, 3, 3, 1],
        (x) =>
          tf.image.cropAndResize(images(x), tf.tensor2d([[0, 0, 1, 0.7]]), places([0], [1]) as tf.Tensor1D, [2, 2]),
      ],
      ['flipLeftRight', [1, 2, 3, 1], (x) => tf.image.flipLeftRight(images(x))],
      ['rotateWithOffset', [1, 3, 3, 1], (x) => tf.image.rotateWithOffset(images(x), 0.6)],
      [
        'transform',
        [1, 3, 3, 1],
        (x) => tf.image.transform(images(x), tf.tensor2d([[0.9, 0.1, 0.1, 0, 0.8, 0.2, 0, 0]]), 'bilinear'),
      ],
      ['maximum of a broadcast', [1], (x) => tf.maximum(x, tf.tensor1d([0.1, 0.2, 0.9]))],
      ['minimum of a broadcast', [1], (x) => tf.minimum(x, tf.tensor1d([0.1, 0.2, 0.9]))],
      ['squaredDifference of a broadcast', [1], (x) => tf.squaredDifference(x, tf.tensor1d([0.1, 0.2, 0.9]))],
      ['matMul of a broadcast', [3, 2], (x) => tf.matMul(some([2, 2, 3]), x)],
      [
        'conv2d with dilations',
        [1, 3, 3, 1],
        (x) => tf.conv2d(images(x), images(some([2, 2, 1, 1])), 1, 'valid', 'NHWC', 2),
      ],
      ['tile of five axes', [1, 1, 1, 1, 2], (x) => tf.tile(x, [1, 1, 1, 2, 2])],
      ['batchNorm without a scale', [2, 3], (x) => tf.batchNorm(x, tf.zeros([3]), tf.ones([3]), tf.ones([3]))],
    ],
  ],
  [
    'first derivatives that tfjs gets wrong',
    1,
    [
      ['avgPool at the edge', [1, 3, 3, 1], (x) => tf.avgPool(images(x), 3, 1, 'same')],
      ['mirrorPad, reflect', [2, 3], (x) => tf.mirrorPad(x, pads, 'reflect')],
      ['mirrorPad, symmetric', [2, 3], (x) => tf.mirrorPad(x, pads, 'symmetric')],
      [
        'resizeBilinear of centers of pixels',
        [1, 2, 2, 1],
        (x) => tf.image.resizeBilinear(images(x), [4, 4], false, true),
      ],
      ['softmaxCrossEntropy by its labels', [2, 3], (x) => tf.losses.softmaxCrossEntropy(x, some([2, 3]))],
      ['floorDiv', [3], (x) => tf.add(x, tf.floorDiv(tf.mul(x, 5), 1))],
      ['a cast to integers', [3], (x) => tf.add(x, tf.cast(tf.cast(tf.mul(x, 5), 'int32'), 'float32'))],
    ],
  ],
];

const linear: readonly [name: string, order: number, loss: Function][] = [
  ['the second derivative of a linear function', 2, (x) => tf.sum(tf.mul(x, 2))],
  ['the third derivative of a square', 3, (x) => tf.sum(tf.square(x))],
];

function check(loss: Function, shape: readonly number[], order: number): void {
  const x = point(shape);
  const expected = expectedOf(loss, x, order);
  const program = programOf(([t]) => [derivative((f) => grad(f), loss, order)(t!)], [x]);
  expectClose('float64', interpret(program, [x])[0]!.values, [expected], 1e-6, 1e-9);
  const [received] = runOnDevice(only(program, 0), [x]);
  expectClose('here', received!, [expected], 1e-4, 1e-6);
  expect(failsInTfjs(loss, x, order, expected), 'fails in tfjs').toBe(true);
}

describe.each(['cpu', 'wasm'] as const)('%s', (device) => {
  beforeAll(async () => {
    await setBackend(device);
    tf.engine().startScope();
  });
  afterAll(() => tf.engine().endScope());

  describe.each(groups)('%s', (_, order, faults) => {
    test.each(faults)('%s', (_name, shape, f) => check(lossOf(f), shape, order));
  });

  test.each(linear)('%s', (_, order, loss) => check(loss, [3], order));
});

/** Functions of negative numbers that tfjs computes wrongly on wasm, or not at all, given its gradient or ours. */
const onWasm: readonly [name: string, shape: readonly number[], f: (gradient: Gradient) => Function][] = [
  ['maxPool, its gradient', [1, 4, 4, 1], (gradient) => gradient((x) => tf.sum(tf.maxPool(images(x), 2, 2, 'valid')))],
  ['maxPool3d', [1, 2, 2, 4, 1], () => (x) => tf.maxPool3d(volumes(x), 2, 2, 'valid')],
  [
    'maxPool3d, its gradient',
    [1, 2, 2, 4, 1],
    (gradient) => gradient((x) => tf.sum(tf.maxPool3d(volumes(x), 2, 2, 'valid'))),
  ],
  [
    'maxPoolWithArgmax',
    [1, 4, 4, 1],
    () => (x) => tf.cast(tf.maxPoolWithArgmax(images(x), 2, 2, 'valid')['indexes'] as Tensor, 'float32'),
  ],
  ['dilation2d', [1, 3, 3, 1], () => (x) => tf.dilation2d(images(x), tf.zeros([2, 2, 1]), 1, 'valid')],
  [
    'dilation2d, its gradient',
    [1, 4, 4, 1],
    (gradient) => gradient((x) => tf.sum(tf.dilation2d(images(x), tf.zeros([2, 2, 1]), 2, 'valid'))),
  ],
  [
    'conv3d, its gradient',
    [1, 3, 3, 3, 2],
    (gradient) => gradient((x) => tf.sum(tf.square(tf.conv3d(volumes(x), volumes(some([2, 2, 2, 2, 3])), 2, 'valid')))),
  ],
  [
    'conv3dTranspose',
    [1, 2, 2, 2, 2],
    () => (x) => tf.conv3dTranspose(volumes(x), volumes(some([2, 2, 2, 3, 2])), [1, 4, 4, 4, 3], 2, 'valid'),
  ],
  [
    'a fused product, transposed, with a bias',
    [100, 2],
    () => (x) =>
      tf.fused.matMul({ a: x as tf.Tensor2D, b: some([100, 2]) as tf.Tensor2D, transposeA: true, bias: some([2]) }),
  ],
  [
    'a fused product in a batch, with a bias',
    [2, 2, 3],
    () => (x) => tf.fused.matMul({ a: x as never, b: some([2, 3, 2]) as never, bias: some([2]) }),
  ],
  [
    'a fused product, transposed, with relu',
    [100, 1],
    () => (x) =>
      tf.fused.matMul({ a: x as tf.Tensor2D, b: some([100, 1]) as tf.Tensor2D, transposeA: true, activation: 'relu' }),
  ],
  ['einsum', [2, 3], () => (x) => tf.einsum('ij,kj->ik', x, some([2, 3]))],
  ['unsortedSegmentSum', [3, 2], () => (x) => tf.unsortedSegmentSum(x, tf.tensor1d([1, 0, 1], 'int32'), 2)],
  ['gather, its gradient', [3, 2], (gradient) => gradient((x) => tf.sum(tf.square(tf.gather(x, [1, 0, 1]))))],
  [
    'conv2d, its gradient by the filter',
    [2, 2, 1, 1],
    (gradient) => gradient((x) => tf.sum(tf.square(tf.conv2d(images(some([1, 3, 3, 1])), images(x), 1, 'same')))),
  ],
  [
    'conv2d with channels first',
    [1, 1, 3, 3],
    () => (x) => tf.conv2d(images(x), images(some([2, 2, 1, 1])), 1, 'valid', 'NCHW'),
  ],
  [
    'depthwiseConv2d of columns with strides',
    [1, 7, 6, 3],
    () => (x) => tf.depthwiseConv2d(images(x), images(some([2, 1, 3, 2])), 2, 'same'),
  ],
  [
    'depthwiseConv2d, its gradient by the filter',
    [2, 2, 1, 1],
    (gradient) =>
      gradient((x) => tf.sum(tf.square(tf.depthwiseConv2d(images(some([1, 3, 3, 1])), images(x), 1, 'same')))),
  ],
  [
    'depthwiseConv2d, its gradient by the images',
    [1, 3, 3, 1],
    (gradient) =>
      gradient((x) => tf.sum(tf.square(tf.depthwiseConv2d(images(x), images(some([2, 2, 1, 1])), 1, 'same')))),
  ],
  [
    'a product of integers',
    [2, 2],
    () => (x) => tf.cast(tf.matMul(tf.cast(tf.mul(x, 9), 'int32'), tf.ones([2, 2], 'int32')), 'float32'),
  ],
];

test.each(onWasm)('wasm: %s', async (_, shape, f) => {
  await setBackend('wasm');
  tf.engine().startScope();
  try {
    const x = { ...point(shape), values: Float64Array.from(point(shape).values, (value) => Math.fround(value - 1)) };
    const program = programOf(([t]) => [f((g) => grad(g))(t!)], [x]);
    const expected = interpret(program, [x])[0]!.values;
    expectClose('here', runOnDevice(program, [x])[0]!, expected, 1e-4, 1e-6);
    const inTfjs = (): void => {
      const received = f((g) => tf.grad(g))(tf.tensor(Float32Array.from(x.values), [...shape])).dataSync();
      expectClose('tfjs', received, expected, 1e-2);
    };
    expect(inTfjs).toThrow();
  } finally {
    tf.engine().endScope();
    closeTape();
  }
});
