/** tfjs's kernels that sample images at other places. */
import { backend_util, type Tensor } from '@tensorflow/tfjs-core';
import { type DataType, hostValues } from './program.ts';
import { constant, record } from './trace.ts';
import {
  broadcastTo,
  cast,
  named,
  type RawAttributes,
  reshape,
  scalar,
  slice,
  type Translations,
} from './translation.ts';

export const resizeTranslations: Translations = {
  ResizeNearestNeighbor: named('images', ([images], attributes) =>
    alongBoth(images!, attributes, (x, axis, size) => {
      const places = Int32Array.from(nearest(x.shape[axis] as number, size, attributes));
      return take(x, axis, places);
    }),
  ),
  ResizeNearestNeighborGrad: named('images dy', ([images, dy], attributes) =>
    backAlongBoth(images!, dy!, (change, axis, length) => {
      const places = Int32Array.from(nearest(length, change.shape[axis] as number, attributes));
      return putBack(change, axis, length, places);
    }),
  ),
  ResizeBilinear: named('images', ([images], attributes) =>
    alongBoth(cast(images!, 'float32'), attributes, (x, axis, size) => {
      const between = interpolation(x.shape[axis] as number, size, attributes);
      const lower = take(x, axis, between.lower);
      if (between.share.every((share) => share === 0)) return lower;
      const step = record('Sub', [take(x, axis, between.upper), lower]);
      return record('Add', [lower, record('Multiply', [step, shares(between.share, axis)])]);
    }),
  ),
  ResizeBilinearGrad: named('images dy', ([images, dy], attributes) =>
    backAlongBoth(images!, dy!, (change, axis, length) => {
      const { lower, upper, share } = interpolation(length, change.shape[axis] as number, attributes);
      const up = record('Multiply', [change, shares(share, axis)]);
      const down = record('Sub', [change, up]);
      return record('Add', [putBack(down, axis, length, lower), putBack(up, axis, length, upper)]);
    }),
  ),

  CropAndResize: named('image boxes boxInd', ([image, boxes, boxIndices], attributes) => {
    const { cropSize, method, extrapolationValue } = attributes;
    const [rows, columns] = cropSize as [number, number];
    const [, height, width, channels] = image!.shape as [number, number, number, number];
    const count = boxes!.shape[0] as number;
    const edge = (column: number): Tensor => slice(boxes!, [0, column], [count, 1]);
    const y = reshape(between(edge(0), edge(2), rows, height), [count, rows, 1]);
    const x = reshape(between(edge(1), edge(3), columns, width), [count, 1, columns]);
    const sampled = sample(cast(image!, 'float32'), reshape(boxIndices!, [count, 1, 1]), y, x, method as string);
    const inside = record('LogicalAnd', [within(y, height), within(x, width)]);
    const shape = [count, rows, columns, channels];
    const mask = broadcastTo(reshape(inside, [count, rows, columns, 1]), shape);
    return record('Select', [mask, sampled, broadcastTo(scalar(extrapolationValue as number), shape)]);
  }),

  RotateWithOffset: named('image', ([image], { radians, fillValue, center }) => {
    const [batch, height, width, channels] = image!.shape as [number, number, number, number];
    const [centerX, centerY] = backend_util.getImageCenter(center as number | [number, number], height, width);
    const [sine, cosine] = [Math.sin(radians as number), Math.cos(radians as number)];
    const places = new Int32Array(height * width);
    const inside = new Uint8Array(height * width);
    for (let i = 0; i < places.length; i++) {
      const [x, y] = [(i % width) - centerX, Math.floor(i / width) - centerY];
      const column = Math.round(x * cosine - y * sine + centerX);
      const row = Math.round(x * sine + y * cosine + centerY);
      if (column < 0 || column >= width || row < 0 || row >= height) continue;
      places[i] = row * width + column;
      inside[i] = 1;
    }
    const dtype = image!.dtype as DataType;
    const shape = [batch, height * width, channels];
    const turned = take(reshape(image!, shape), 1, places);
    if (inside.every((each) => each === 1)) return reshape(turned, image!.shape);
    // The fourth channel is opacity.
    const fill = hostValues(dtype, channels).map((_, i) =>
      typeof fillValue === 'number' ? fillValue : i === 3 ? 255 : ((fillValue as readonly number[])[i] as number),
    ) as Float32Array;
    const mask = broadcastTo(constant(inside, [height * width, 1], 'bool'), shape);
    const filled = broadcastTo(constant(fill, [channels], dtype), shape);
    return reshape(record('Select', [mask, turned, filled]), image!.shape);
  }),
};

type Along = (x: Tensor, axis: number, size: number) => Tensor;

/** Resizes the height, then the width. */
function alongBoth(images: Tensor, { size }: RawAttributes, resize: Along): Tensor {
  const [height, width] = size as [number, number];
  return resize(resize(images, 1, height), 2, width);
}

/** The transpose of a resize. */
function backAlongBoth(images: Tensor, dy: Tensor, resize: Along): Tensor {
  return resize(resize(dy, 2, images.shape[2] as number), 1, images.shape[1] as number);
}

/** How far apart neighbours of the result lie in the image. */
function spacing(length: number, size: number, alignCorners: unknown): number {
  return alignCorners && size > 1 ? (length - 1) / (size - 1) : length / size;
}

function nearest(length: number, size: number, { alignCorners, halfPixelCenters }: RawAttributes): number[] {
  const step = spacing(length, size, alignCorners);
  const round = alignCorners ? Math.round : Math.floor;
  return Array.from({ length: size }, (_, i) => Math.min(length - 1, round(step * (halfPixelCenters ? i + 0.5 : i))));
}

interface Interpolation {
  readonly lower: Int32Array;
  readonly upper: Int32Array;
  /** The share of the upper element in each result. */
  readonly share: Float32Array;
}

function interpolation(length: number, size: number, { alignCorners, halfPixelCenters }: RawAttributes): Interpolation {
  const step = spacing(length, size, alignCorners);
  const places = Array.from({ length: size }, (_, i) => {
    const place = halfPixelCenters ? step * (i + 0.5) - 0.5 : step * i;
    return Math.min(length - 1, Math.max(0, place));
  });
  return {
    lower: Int32Array.from(places, Math.floor),
    upper: Int32Array.from(places, Math.ceil),
    share: Float32Array.from(places, (place) => place - Math.floor(place)),
  };
}

/** Numbers along one axis of images. */
function shares(values: Float32Array, axis: number): Tensor {
  return constant(values, axis === 1 ? [values.length, 1, 1] : [values.length, 1], 'float32');
}

function take(x: Tensor, axis: number, places: Int32Array): Tensor {
  if (places.length === x.shape[axis] && places.every((place, i) => place === i)) return x;
  return record('GatherV2', [x, constant(places, [places.length], 'int32')], { axis });
}

/** The transpose of `take`: sums of what was taken from each place of an axis of `length`. */
function putBack(x: Tensor, axis: number, length: number, places: Int32Array): Tensor {
  const perm = [axis, ...[...x.shape.keys()].filter((i) => i !== axis)];
  const updates = record('Transpose', [x], { perm });
  const indices = constant(places, [places.length, 1], 'int32');
  const sums = record('ScatterNd', [indices, updates], { shape: [length, ...updates.shape.slice(1)] });
  return record('Transpose', [sums], { perm: perm.map((_, i) => perm.indexOf(i)) });
}

/** `count` places from `first` to `last`, in parts of an image of `length` pixels; the middle where there is one. */
function between(first: Tensor, last: Tensor, count: number, length: number): Tensor {
  const share = Float32Array.from({ length: count }, (_, i) => (count > 1 ? i / (count - 1) : 0.5));
  const part = (x: Tensor, weights: Float32Array): Tensor =>
    record('Multiply', [x, constant(weights, [count], 'float32')]);
  // As a weighted sum, the last place is exactly `last`, and no place is beyond both.
  const places = record('Add', [
    part(
      first,
      share.map((each) => 1 - each),
    ),
    part(last, share),
  ]);
  return record('Multiply', [places, scalar(length - 1)]);
}

function within(place: Tensor, length: number): Tensor {
  return record('LogicalAnd', [
    record('GreaterEqual', [place, scalar(0)]),
    record('LessEqual', [place, scalar(length - 1)]),
  ]);
}

/** Images numbered `numbers` at the places `(y, x)`, all three broadcasting; places outside count as the nearest inside. */
export function sample(images: Tensor, numbers: Tensor, y: Tensor, x: Tensor, method: string): Tensor {
  const [batch, height, width, channels] = images.shape as [number, number, number, number];
  const pixels = reshape(images, [batch * height * width, channels]);
  const rows = record('Multiply', [numbers, scalar(height, 'int32')]);
  const index = (place: Tensor, length: number): Tensor =>
    cast(record('ClipByValue', [place], { clipValueMin: 0, clipValueMax: length - 1 }), 'int32');
  const at = (row: Tensor, column: Tensor): Tensor => {
    const start = record('Multiply', [record('Add', [rows, index(row, height)]), scalar(width, 'int32')]);
    return record('GatherV2', [pixels, record('Add', [start, index(column, width)])], { axis: 0 });
  };
  const floor = (place: Tensor): Tensor => record('Floor', [place]);
  if (method === 'nearest') {
    const half = (place: Tensor): Tensor => floor(record('Add', [place, scalar(0.5)]));
    return at(half(y), half(x));
  }
  const [top, left] = [floor(y), floor(x)];
  const [bottom, right] = [record('Add', [top, scalar(1)]), record('Add', [left, scalar(1)])];
  const share = (place: Tensor, lower: Tensor): Tensor => {
    const part = record('Sub', [place, lower]);
    return reshape(part, [...part.shape, 1]);
  };
  const mix = (a: Tensor, b: Tensor, part: Tensor): Tensor =>
    record('Add', [a, record('Multiply', [record('Sub', [b, a]), part])]);
  const across = share(x, left);
  const upper = mix(at(top, left), at(top, right), across);
  return mix(upper, mix(at(bottom, left), at(bottom, right), across), share(y, top));
}
