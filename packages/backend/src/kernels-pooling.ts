/** Kernels that pool windows of images, `[batch, height, width, channels]`. What overhangs an image is no part of its windows. */
import type { KernelSpec } from './kernels.ts';
import type { Attributes } from './program.ts';

/** Windows of `size` elements along one axis, the first of which starts `before` the axis. */
export interface Windows {
  readonly size: number;
  readonly stride: number;
  readonly before: number;
  readonly after: number;
}

/** Windows along height and width as the attributes of a kernel. */
export function poolAttributes(windows: readonly Windows[]): Attributes {
  return {
    filterSize: windows.map(({ size }) => size),
    strides: windows.map(({ stride }) => stride),
    padding: windows.map(({ before, after }) => [before, after]),
  };
}

/** What `poolAttributes` made attributes of. */
export function windowsOf(attributes: Attributes): Windows[] {
  const { filterSize, strides, padding } = attributes as {
    filterSize: readonly number[];
    strides: readonly number[];
    padding: readonly (readonly [number, number])[];
  };
  return filterSize.map((size, i) => {
    const [before, after] = padding[i] as readonly [number, number];
    return { size, stride: strides[i] as number, before, after };
  });
}

/** The number of windows that start along an axis. */
export function countWindows(length: number, { size, stride, before, after }: Windows): number {
  return Math.floor((length + before + after - size) / stride) + 1;
}

/** The shape of pooled images. */
export function pooledShape(shape: readonly number[], attributes: Attributes): number[] {
  const counts = windowsOf(attributes).map((each, i) => countWindows(shape[i + 1] as number, each));
  return [shape[0] as number, ...counts, shape[3] as number];
}

export const poolingKernels: { readonly [name: string]: KernelSpec } = {
  MaxPool: {
    inputNames: ['x'],
    shape: ([x], attributes) => ({ shape: pooledShape(x!.shape, attributes), dtype: x!.dtype }),
  },

  /** Where the largest element of each window lies, the first of several: its index in its flattened image. */
  MaxPoolArgmax: {
    inputNames: ['x'],
    shape: ([x], attributes) => ({ shape: pooledShape(x!.shape, attributes), dtype: 'int32' }),
  },

  AvgPool: {
    inputNames: ['x'],
    shape: ([x], attributes) => ({ shape: pooledShape(x!.shape, attributes), dtype: 'float32' }),
  },

  /** The transpose of AvgPool, for images of `size`. */
  AvgPoolTranspose: {
    inputNames: ['dy'],
    shape: ([dy], { size }) => {
      const [batch, , , channels] = dy!.shape as [number, number, number, number];
      return { shape: [batch, ...(size as readonly number[]), channels], dtype: 'float32' };
    },
  },

  /** From each `x[i]`, flattened, the elements at `places[i]`. */
  GatherEach: {
    inputNames: ['x', 'places'],
    shape: ([x, places]) => ({ shape: places!.shape, dtype: x!.dtype }),
  },

  /** The transpose of GatherEach: for each `i` zeros of `shape` to which `updates[i]` are added at `places[i]`. */
  ScatterEach: {
    inputNames: ['updates', 'places'],
    shape: ([updates, places], { shape }) => ({
      shape: [places!.shape[0] as number, ...(shape as readonly number[])],
      dtype: updates!.dtype,
    }),
  },
};
