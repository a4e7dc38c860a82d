/** tfjs's pools: windows with explicit paddings; pools of volumes as two of images, which devices compute faster and more often rightly. */
import type { Tensor } from '@tensorflow/tfjs-core';
import { countWindows, poolAttributes, pooledShape, type Windows } from './kernels-pooling.ts';
import { type DataType, sizeOf } from './program.ts';
import { constant, record } from './trace.ts';
import { cast, named, type RawAttributes, reshape, type Translations } from './translation.ts';

type Kernel = 'MaxPool' | 'AvgPool';

export const poolingTranslations: Translations = {
  MaxPool: named('x', ([x], attributes) => pooled('MaxPool', x!, attributes)),
  AvgPool: named('x', ([x], attributes) => pooled('AvgPool', x!, attributes)),
  MaxPool3D: named('x', ([x], attributes) => pooled('MaxPool', x!, attributes)),
  AvgPool3D: named('x', ([x], attributes) => pooled('AvgPool', x!, attributes)),
  MaxPoolGrad: named('dy input', ([dy, x], attributes) => pulledBack('MaxPool', dy!, x!, attributes)),
  AvgPoolGrad: named('dy input', ([dy, x], attributes) => pulledBack('AvgPool', dy!, x!, attributes)),
  MaxPool3DGrad: named('dy input', ([dy, x], attributes) => pulledBack('MaxPool', dy!, x!, attributes)),
  AvgPool3DGrad: named('dy input', ([dy, x], attributes) => pulledBack('AvgPool', dy!, x!, attributes)),
  MaxPoolWithArgmax: named('x', ([x], attributes) => {
    const places = record('MaxPoolArgmax', [cast(x!, 'float32')], poolAttributes(resolve(x!, attributes)));
    return [
      pooled('MaxPool', x!, attributes),
      attributes['includeBatchInIndex'] ? record('Add', [places, imageStarts(x!.shape)]) : places,
    ];
  }),
};

/** The index at which each image starts in a flattened batch of them, `[batch, 1, 1, 1]`. */
function imageStarts(shape: readonly number[]): Tensor {
  const [batch, ...rest] = shape as [number, ...number[]];
  return constant(
    Int32Array.from({ length: batch }, (_, i) => i * sizeOf(rest)),
    [batch, 1, 1, 1],
    'int32',
  );
}

/** The windows along each axis between the first and the last. */
function resolve(x: Tensor, attributes: RawAttributes): Windows[] {
  const { filterSize, strides, pad, dimRoundingMode } = attributes;
  const axes = x.rank - 2;
  const each = (value: unknown): readonly number[] =>
    typeof value === 'number' ? Array.from({ length: axes }, () => value) : (value as readonly number[]);
  return each(filterSize).map((size, i) => {
    const stride = each(strides)[i] as number;
    const length = x.shape[i + 1] as number;
    const paddings =
      pad === 'valid' ? [0, 0] : typeof pad === 'number' ? [pad, pad] : (pad as readonly (readonly number[])[])[i + 1];
    const [before, count] =
      pad === 'same'
        ? sameWindows(length, size, stride)
        : [paddings![0] as number, countPadded(length + paddings![0]! + paddings![1]! - size, stride, dimRoundingMode)];
    const lastStart = (count - 1) * stride - before;
    if (count < 1 || before >= size || lastStart >= length) {
      throw new Error(
        `pooling: windows of ${size} with stride ${stride} and padding ${JSON.stringify(pad)} do not all meet an axis of length ${length}; ` +
          'use smaller windows, or a smaller padding',
      );
    }
    return { size, stride, before, after: Math.max(0, lastStart + size - length) };
  });
}

/** Padding before the axis and the number of windows, where one starts at every `stride`-th element of the axis. */
function sameWindows(length: number, size: number, stride: number): [before: number, count: number] {
  const count = Math.ceil(length / stride);
  return [Math.floor(Math.max(0, (count - 1) * stride + size - length) / 2), count];
}

function countPadded(slack: number, stride: number, rounding: unknown): number {
  const round = rounding === 'ceil' ? Math.ceil : rounding === 'round' ? Math.round : Math.floor;
  return round(slack / stride) + 1;
}

function pooled(kernel: Kernel, x: Tensor, attributes: RawAttributes): Tensor {
  const windows = resolve(x, attributes);
  const result = stages(x.shape, windows).reduce(
    (image, stage) => pool(kernel, reshape(image, stage.shape), stage.windows),
    cast(x, 'float32'),
  );
  const counts = windows.map((each, i) => countWindows(x.shape[i + 1] as number, each));
  const shaped = reshape(result, [x.shape[0] as number, ...counts, x.shape[x.rank - 1] as number]);
  return kernel === 'MaxPool' ? cast(shaped, x.dtype as DataType) : shaped;
}

/** Pools of images, `[batch, height, width, channels]`. */
export function pool(kernel: Kernel, x: Tensor, windows: readonly Windows[]): Tensor {
  if (windows.some(({ size }) => size > 1)) return record(kernel, [x], poolAttributes(windows));
  // Of windows of one element there remains the choice of elements.
  return windows.reduce((chosen, each, i) => {
    const length = x.shape[i + 1] as number;
    if (each.stride === 1) return chosen;
    const places = Int32Array.from({ length: countWindows(length, each) }, (_, k) => k * each.stride);
    return record('GatherV2', [chosen, constant(places, [places.length], 'int32')], { axis: i + 1 });
  }, x);
}

/** A pool of images. */
interface Stage {
  readonly shape: readonly number[];
  readonly windows: readonly Windows[];
}

/** A pool of volumes is one of their slices, followed by one along their depth. */
function stages(shape: readonly number[], windows: readonly Windows[]): Stage[] {
  if (windows.length === 2) return [{ shape, windows }];
  const [batch, depth, height, width, channels] = shape as [number, number, number, number, number];
  const [along, down, across] = windows as [Windows, Windows, Windows];
  const still = { size: 1, stride: 1, before: 0, after: 0 };
  const pixels = countWindows(height, down) * countWindows(width, across);
  return [
    { shape: [batch * depth, height, width, channels], windows: [down, across] },
    { shape: [batch, depth, pixels, channels], windows: [along, still] },
  ];
}

/** The cotangent of what was pooled. */
function pulledBack(kernel: Kernel, dy: Tensor, x: Tensor, attributes: RawAttributes): Tensor {
  const parts = stages(x.shape, resolve(x, attributes));
  const images: Tensor[] = [];
  if (kernel === 'MaxPool') {
    parts.reduce(
      (image, stage, i) => {
        const own = reshape(image, stage.shape);
        images.push(own);
        return i === parts.length - 1 ? own : pool(kernel, own, stage.windows);
      },
      cast(x, 'float32'),
    );
  }
  const cotangent = parts.reduceRight((change, stage, i) => pullBack(kernel, change, stage, images[i]), dy);
  return reshape(cotangent, x.shape);
}

/** The cotangent of the images of one stage; their elements decide where that of a maximum goes. */
function pullBack(kernel: Kernel, dy: Tensor, { shape, windows }: Stage, images: Tensor | undefined): Tensor {
  const attributes = poolAttributes(windows);
  const change = reshape(dy, pooledShape(shape, attributes));
  if (kernel === 'AvgPool') return record('AvgPoolTranspose', [change], { ...attributes, size: shape.slice(1, 3) });
  const places = record('MaxPoolArgmax', [images as Tensor], attributes);
  return record('ScatterEach', [change, places], { shape: shape.slice(1) });
}
