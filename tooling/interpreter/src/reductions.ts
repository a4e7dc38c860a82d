import type { DataType } from '@posteriors/backend';
import { linesAlong, offsets, sizeOf, stridesOf } from './array.ts';
import { axesOf, axisOf, booleanOf } from './attributes.ts';
import { type Kernel, type Kernels, ofOne, productOf } from './kernel.ts';

type Combine = (a: number, b: number) => number;

export const reductions: Kernels = {
  Sum: reduction(0, () => (a, b) => a + b),
  Prod: reduction(1, productOf),
  Max: reduction(Number.NEGATIVE_INFINITY, () => Math.max),
  Min: reduction(Number.POSITIVE_INFINITY, () => Math.min),
  All: reduction(1, () => (a, b) => Number(a !== 0 && b !== 0)),
  Any: reduction(0, () => (a, b) => Number(a !== 0 || b !== 0)),
  ArgMax: argument((candidate, best) => candidate > best),
  ArgMin: argument((candidate, best) => candidate < best),
  Cumsum: cumulative(0, () => (a, b) => a + b),
  Cumprod: cumulative(1, productOf),

  Softmax: ofOne((x) => {
    if (x.shape.length === 0) throw new Error('takes an input of rank 1 or more, but it has rank 0');
    const { length } = linesAlong(x.shape, x.shape.length - 1);
    const values = new Float64Array(x.values.length);
    for (let start = 0; start < values.length; start += length) {
      const line = x.values.subarray(start, start + length);
      const largest = line.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
      const weights = line.map((value) => Math.exp(value - largest));
      const total = weights.reduce((sum, weight) => sum + weight, 0);
      values.set(
        weights.map((weight) => weight / total),
        start,
      );
    }
    return { shape: x.shape, values };
  }),
};

/** Combines the elements along the axes `axis`, which vanish; `start` is the result over no elements. */
function reduction(start: number, combineOf: (dtype: DataType) => Combine): Kernel {
  return ofOne((x, attributes, dtype) => {
    const axes = axesOf(attributes, 'axis', x.shape.length);
    const shape = x.shape.filter((_, axis) => !axes.includes(axis));
    const keptStrides = stridesOf(shape);
    const strides = x.shape.map((_, axis) => (axes.includes(axis) ? 0 : keptStrides.shift()!));
    const combine = combineOf(dtype);
    const values = new Float64Array(sizeOf(shape)).fill(start);
    offsets(x.shape, strides).forEach((place, i) => {
      values[place] = combine(values[place]!, x.values[i]!);
    });
    return { shape, values };
  });
}

/** The first index along `axis` of the element that no other element beats. */
function argument(beats: (candidate: number, best: number) => boolean): Kernel {
  return ofOne((x, attributes) => {
    const axis = axisOf(attributes, 'axis', x.shape.length);
    const { starts, length, stride } = linesAlong(x.shape, axis);
    if (length === 0) throw new Error(`axis ${axis} has no elements to choose from`);
    const values = Float64Array.from(starts, (start) => {
      let best = 0;
      for (let i = 1; i < length; i++) {
        if (beats(x.values[start + i * stride]!, x.values[start + best * stride]!)) best = i;
      }
      return best;
    });
    return { shape: x.shape.filter((_, i) => i !== axis), values };
  });
}

/** The running combination along `axis`, from its end if `reverse`, of the elements up to each one, or before it if `exclusive`. */
function cumulative(initial: number, combineOf: (dtype: DataType) => Combine): Kernel {
  return ofOne((x, attributes, dtype) => {
    const { starts, length, stride } = linesAlong(x.shape, axisOf(attributes, 'axis', x.shape.length));
    const exclusive = booleanOf(attributes, 'exclusive');
    const reverse = booleanOf(attributes, 'reverse');
    const combine = combineOf(dtype);
    const values = new Float64Array(x.values.length);
    for (const start of starts) {
      let running = initial;
      for (let i = 0; i < length; i++) {
        const place = start + (reverse ? length - 1 - i : i) * stride;
        const next = combine(running, x.values[place]!);
        values[place] = exclusive ? running : next;
        running = next;
      }
    }
    return { shape: x.shape, values };
  });
}
