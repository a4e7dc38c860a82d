import type { Attributes } from '@posteriors/backend';
import { type NdArray, sizeOf } from './array.ts';
import { integersOf, pairsOf } from './attributes.ts';
import { type Kernel, type Kernels, ofOne, ofTwo } from './kernel.ts';

export const pooling: Kernels = {
  MaxPool: ofImages((x, places) => Math.max(...places.map((place) => x.values[place]!))),

  MaxPoolArgmax: ofImages((x, places) => {
    const largest = Math.max(...places.map((place) => x.values[place]!));
    const image = x.values.length / x.shape[0]!;
    return places.find((place) => x.values[place] === largest)! % image;
  }),

  AvgPool: ofImages((x, places) => places.reduce((sum, place) => sum + x.values[place]!, 0) / places.length),

  AvgPoolTranspose: ofOne((dy, attributes) => {
    const shape = [dy.shape[0]!, ...integersOf(attributes, 'size'), dy.shape[3]!];
    const values = new Float64Array(sizeOf(shape));
    windows(shape, attributes).places.forEach((places, i) => {
      for (const place of places) values[place]! += dy.values[i]! / places.length;
    });
    return { shape, values };
  }),

  GatherEach: ofTwo((x, places) => {
    const [size, count] = [x, places].map(({ shape }) => sizeOf(shape.slice(1))) as [number, number];
    return {
      shape: places.shape,
      values: places.values.map((place, i) => x.values[Math.floor(i / count) * size + place]!),
    };
  }),

  ScatterEach: ofTwo((updates, places, attributes) => {
    const shape = [places.shape[0]!, ...integersOf(attributes, 'shape')];
    const [size, count] = [shape, places.shape].map((each) => sizeOf(each.slice(1))) as [number, number];
    const values = new Float64Array(sizeOf(shape));
    places.values.forEach((place, i) => {
      values[Math.floor(i / count) * size + place]! += updates.values[i]!;
    });
    return { shape, values };
  }),
};

/** A kernel that makes one element of each window; windows are given by the places of their elements in row-major order. */
function ofImages(compute: (x: NdArray, places: readonly number[]) => number): Kernel {
  return ofOne((x, attributes) => {
    const { shape, places } = windows(x.shape, attributes);
    return { shape, values: Float64Array.from(places, (each) => compute(x, each)) };
  });
}

interface Pool {
  readonly shape: readonly number[];
  /** For each element of the result, the places of its window in the images, which what overhangs is no part of. */
  readonly places: readonly (readonly number[])[];
}

function windows(images: readonly number[], attributes: Attributes): Pool {
  const [batch, height, width, channels] = images as readonly [number, number, number, number];
  const size = integersOf(attributes, 'filterSize');
  const strides = integersOf(attributes, 'strides');
  const padding = pairsOf(attributes, 'padding');
  const covered = (axis: number): number[][] => {
    const [before, after] = padding[axis]!;
    const length = images[axis + 1]!;
    const count = Math.floor((length + before + after - size[axis]!) / strides[axis]!) + 1;
    return Array.from({ length: count }, (_, i) =>
      Array.from({ length: size[axis]! }, (_, k) => i * strides[axis]! - before + k).filter(
        (position) => position >= 0 && position < length,
      ),
    );
  };
  const [rows, columns] = [covered(0), covered(1)];
  const places: number[][] = [];
  for (let image = 0; image < batch; image++) {
    for (const ys of rows) {
      for (const xs of columns) {
        for (let channel = 0; channel < channels; channel++) {
          places.push(ys.flatMap((y) => xs.map((x) => ((image * height + y) * width + x) * channels + channel)));
        }
      }
    }
  }
  return { shape: [batch, rows.length, columns.length, channels], places };
}
