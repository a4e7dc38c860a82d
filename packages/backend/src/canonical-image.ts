/** tfjs's kernels on images, as movements, windowed sums and choices of elements. */
import { backend_util, type Tensor } from '@tensorflow/tfjs-core';
import { pool } from './canonical-pooling.ts';
import { sizeOf } from './program.ts';
import { constant, record } from './trace.ts';
import { named, type RawAttributes, reshape, scalar, slice, type Translations } from './translation.ts';

type Pairs = readonly (readonly [number, number])[];

export const imageTranslations: Translations = {
  FlipLeftRight: named('image', ([image]) => record('Reverse', [image!], { dims: [2] })),

  MirrorPad: named('x', ([x], { paddings, mode }) =>
    (paddings as Pairs).reduce(
      (padded, amounts, axis) => mirror(padded, axis, amounts, mode === 'reflect' ? 1 : 0),
      x!,
    ),
  ),

  SpaceToBatchND: named('x', ([x], attributes) => {
    const blocks = attributes['blockShape'] as readonly number[];
    const rest = Array.from({ length: x!.rank - 1 - blocks.length }, () => [0, 0] as const);
    const paddings = [[0, 0], ...(attributes['paddings'] as Pairs), ...rest];
    const padded = paddings.every(([before, after]) => before === 0 && after === 0)
      ? x!
      : record('PadV2', [x!], { paddings, constantValue: 0 });
    // [batch, n1, n2, ...] -> [batch, n1 / b1, b1, n2 / b2, b2, ...] -> [b1, b2, batch, n1 / b1, n2 / b2, ...]
    const [batch, ...lengths] = padded.shape as [number, ...number[]];
    const counts = blocks.map((block, i) => (lengths[i] as number) / block);
    const inner = lengths.slice(blocks.length);
    const split = reshape(padded, [batch, ...counts.flatMap((count, i) => [count, blocks[i] as number]), ...inner]);
    const perm = [
      ...blocks.map((_, i) => 2 * i + 2),
      0,
      ...blocks.map((_, i) => 2 * i + 1),
      ...inner.map((_, i) => 2 * blocks.length + 1 + i),
    ];
    return reshape(record('Transpose', [split], { perm }), [batch * sizeOf(blocks), ...counts, ...inner]);
  }),

  BatchToSpaceND: named('x', ([x], attributes) => {
    const blocks = attributes['blockShape'] as readonly number[];
    const crops = attributes['crops'] as Pairs;
    const count = blocks.length;
    // [b1, b2, batch, n1, n2, ...] -> [batch, n1, b1, n2, b2, ...]
    const batch = (x!.shape[0] as number) / sizeOf(blocks);
    const split = reshape(x!, [...blocks, batch, ...x!.shape.slice(1)]);
    const inner = x!.shape.slice(1 + count);
    const perm = [count, ...blocks.flatMap((_, i) => [count + 1 + i, i]), ...inner.map((_, i) => 2 * count + 1 + i)];
    const lengths = blocks.map((block, i) => block * (x!.shape[i + 1] as number));
    const whole = reshape(record('Transpose', [split], { perm }), [batch, ...lengths, ...inner]);
    return slice(
      whole,
      [0, ...crops.map(([before]) => before), ...inner.map(() => 0)],
      [batch, ...lengths.map((length, i) => length - crops[i]![0] - crops[i]![1]), ...inner],
    );
  }),

  DepthToSpace: named('x', ([x], { blockSize, dataFormat }) => {
    const block = blockSize as number;
    if (dataFormat === 'NCHW') {
      const [batch, depth, height, width] = x!.shape as [number, number, number, number];
      const channels = depth / block ** 2;
      const split = reshape(x!, [batch, block, block, channels, height, width]);
      const moved = record('Transpose', [split], { perm: [0, 3, 4, 1, 5, 2] });
      return reshape(moved, [batch, channels, height * block, width * block]);
    }
    const [batch, height, width, depth] = x!.shape as [number, number, number, number];
    const channels = depth / block ** 2;
    const split = reshape(x!, [batch, height, width, block, block, channels]);
    const moved = record('Transpose', [split], { perm: [0, 1, 3, 2, 4, 5] });
    return reshape(moved, [batch, height * block, width * block, channels]);
  }),

  LRN: named('x', ([x], attributes) => record('Multiply', [x!, power(scales(x!, attributes), attributes)])),

  // With n_i = bias + alpha sum x_j^2 over the neighbours j of i: y_i = x_i n_i^-beta, and
  // dx_i = dy_i n_i^-beta - 2 alpha beta x_i sum dy_j y_j / n_j over the neighbours j of i.
  LRNGrad: named('x y dy', ([x, y, dy], attributes) => {
    const { alpha, beta, depthRadius } = attributes as { [name: string]: number };
    const scale = scales(x!, attributes);
    const direct = record('Multiply', [dy!, power(scale, attributes)]);
    const shares = record('RealDiv', [record('Multiply', [dy!, y!]), scale]);
    const factor = record('Multiply', [x!, scalar(2 * alpha! * beta!)]);
    return record('Sub', [direct, record('Multiply', [factor, neighbours(shares, depthRadius!)])]);
  }),

  Dilation2D: named('x filter', ([x, filter], attributes) => {
    const { sums, places, shape } = dilation(x!, filter!, attributes);
    return reshape(record('GatherEach', [sums, places]), shape);
  }),
  Dilation2DBackpropInput: named('x filter dy', ([x, filter, dy], attributes) => {
    const { sums, places, pixels } = dilation(x!, filter!, attributes);
    const [batch, height, width, channels] = x!.shape as [number, number, number, number];
    const changes = reshape(pullBack(dy!, sums, places), [batch, pixels.length, channels]);
    const indices = constant(pixels, [pixels.length, 1], 'int32');
    const moved = record('Transpose', [changes], { perm: [1, 0, 2] });
    const added = record('ScatterNd', [indices, moved], { shape: [height * width, batch, channels] });
    return reshape(record('Transpose', [added], { perm: [1, 0, 2] }), x!.shape);
  }),
  Dilation2DBackpropFilter: named('x filter dy', ([x, filter, dy], attributes) => {
    const { sums, places } = dilation(x!, filter!, attributes);
    return reshape(record('Sum', [pullBack(dy!, sums, places)], { axis: [0] }), filter!.shape);
  }),
};

/** Reflects what lies `skipped` elements inside of both ends of an axis to the outside. */
function mirror(x: Tensor, axis: number, [before, after]: readonly [number, number], skipped: number): Tensor {
  const length = x.shape[axis] as number;
  const reflected = (first: number, count: number): Tensor[] => {
    if (count === 0) return [];
    const begin = x.shape.map((_, i) => (i === axis ? first : 0));
    const size = x.shape.map((n, i) => (i === axis ? count : n));
    return [record('Reverse', [slice(x, begin, size)], { dims: [axis] })];
  };
  const parts = [...reflected(skipped, before), x, ...reflected(length - after - skipped, after)];
  return parts.length === 1 ? x : record('Concat', parts, { axis });
}

/** Sums over the channels that are at most `radius` away from each one. */
function neighbours(x: Tensor, radius: number): Tensor {
  const channels = x.shape[x.rank - 1] as number;
  const reach = Math.min(radius, channels - 1);
  if (reach <= 0) return x;
  // The averages of windows along the width of an image whose pixels are the channels, times the number of elements of each.
  const image = reshape(x, [1, x.size / channels, channels, 1]);
  const still = { size: 1, stride: 1, before: 0, after: 0 };
  const averages = pool('AvgPool', image, [still, { size: 2 * reach + 1, stride: 1, before: reach, after: reach }]);
  const counts = Float32Array.from(
    { length: channels },
    (_, i) => Math.min(channels - 1, i + reach) - Math.max(0, i - reach) + 1,
  );
  return record('Multiply', [reshape(averages, x.shape), constant(counts, [channels], 'float32')]);
}

function scales(x: Tensor, attributes: RawAttributes): Tensor {
  const { bias, alpha, depthRadius } = attributes as { [name: string]: number };
  const sums = neighbours(record('Square', [x]), depthRadius!);
  return record('Add', [record('Multiply', [sums, scalar(alpha!)]), scalar(bias!)]);
}

function power(scale: Tensor, { beta }: RawAttributes): Tensor {
  return record('Pow', [scale, scalar(-(beta as number))]);
}

interface Dilation {
  /** Each pixel of each window plus the element of the filter over it, `[windows of all images, elements of the filter, channels]`. */
  readonly sums: Tensor;
  /** Where the largest sums of each window lie, the first of several, `[windows of all images, channels]`. */
  readonly places: Tensor;
  /** The pixel under each element of the filter, for each window of an image. */
  readonly pixels: Int32Array;
  /** The shape of the largest sums as images. */
  readonly shape: readonly number[];
}

function dilation(x: Tensor, filter: Tensor, { strides, pad, dilations }: RawAttributes): Dilation {
  const info = backend_util.computeDilation2DInfo(
    x.shape as [number, number, number, number],
    filter.shape as [number, number, number],
    strides as number,
    pad as 'same',
    'NHWC',
    dilations as number,
  );
  const { batchSize, inHeight, inWidth, inChannels, outHeight, outWidth, filterHeight, filterWidth } = info;
  const [windows, elements] = [outHeight * outWidth, filterHeight * filterWidth];
  const pixels = new Int32Array(windows * elements);
  const outside = new Float32Array(windows * elements);
  for (let i = 0; i < pixels.length; i++) {
    const [window, element] = [Math.floor(i / elements), i % elements];
    const y = Math.floor(window / outWidth) * info.strideHeight - info.padInfo.top;
    const x = (window % outWidth) * info.strideWidth - info.padInfo.left;
    const row = y + Math.floor(element / filterWidth) * info.dilationHeight;
    const column = x + (element % filterWidth) * info.dilationWidth;
    if (row >= 0 && row < inHeight && column >= 0 && column < inWidth) pixels[i] = row * inWidth + column;
    else outside[i] = -Infinity;
  }
  const image = reshape(x, [batchSize, inHeight * inWidth, inChannels]);
  const taken = record('GatherV2', [image, constant(pixels, [windows, elements], 'int32')], { axis: 1 });
  const whole = record('Add', [taken, reshape(filter, [elements, inChannels])]);
  const sums = outside.every((value) => value === 0)
    ? whole
    : record('Add', [whole, constant(outside, [windows, elements, 1], 'float32')]);
  const flat = reshape(sums, [batchSize * windows, elements, inChannels]);
  const elementSteps = record('Multiply', [record('ArgMax', [flat], { axis: 1 }), scalar(inChannels, 'int32')]);
  const channels = Int32Array.from({ length: inChannels }, (_, i) => i);
  const places = record('Add', [elementSteps, constant(channels, [inChannels], 'int32')]);
  return { sums: flat, places, pixels, shape: [batchSize, outHeight, outWidth, inChannels] };
}

/** The cotangent of the sums, given that of the largest of each window. */
function pullBack(dy: Tensor, sums: Tensor, places: Tensor): Tensor {
  return record('ScatterEach', [reshape(dy, places.shape), places], { shape: sums.shape.slice(1) });
}
