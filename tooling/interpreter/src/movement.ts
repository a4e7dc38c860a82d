import { broadcast, type NdArray, offsets, put, sameShape, showShape, sizeOf, stridesOf, take } from './array.ts';
import { axesOf, axisOf, integersOf, numberOf, pairsOf } from './attributes.ts';
import { type Kernels, ofOne } from './kernel.ts';

export const movement: Kernels = {
  BroadcastTo: ofOne((x, attributes) => broadcast(x, integersOf(attributes, 'shape'))),

  Reshape: ofOne((x, attributes) => {
    const shape = integersOf(attributes, 'shape');
    if (sizeOf(shape) !== x.values.length) {
      throw new Error(
        `shape ${showShape(x.shape)} has ${x.values.length} elements, and ${showShape(shape)} has ${sizeOf(shape)}`,
      );
    }
    return { shape, values: x.values };
  }),

  Transpose: ofOne((x, attributes) => {
    const perm = axesOf(attributes, 'perm', x.shape.length);
    requireRank('perm', perm, x);
    const strides = stridesOf(x.shape);
    const shape = perm.map((axis) => x.shape[axis]!);
    const permuted = perm.map((axis) => strides[axis]!);
    return take(x, shape, offsets(shape, permuted));
  }),

  Reverse: ofOne((x, attributes) => {
    const dims = axesOf(attributes, 'dims', x.shape.length);
    const strides = stridesOf(x.shape);
    const reversed = strides.map((stride, axis) => (dims.includes(axis) ? -stride : stride));
    const last = dims.reduce((place, axis) => place + (x.shape[axis]! - 1) * strides[axis]!, 0);
    return take(x, x.shape, offsets(x.shape, reversed, last));
  }),

  Slice: ofOne((x, attributes) => {
    const begin = integersOf(attributes, 'begin');
    const size = integersOf(attributes, 'size');
    requireRank('begin', begin, x);
    requireRank('size', size, x);
    if (begin.some((first, axis) => first < 0 || size[axis]! < 0 || first + size[axis]! > x.shape[axis]!)) {
      throw new Error(`begin ${showShape(begin)} with size ${showShape(size)} leaves the shape ${showShape(x.shape)}`);
    }
    return take(x, size, offsets(size, stridesOf(x.shape), dot(begin, stridesOf(x.shape))));
  }),

  PadV2: ofOne((x, attributes) => {
    const paddings = pairsOf(attributes, 'paddings');
    requireRank('paddings', paddings, x);
    if (paddings.flat().some((count) => count < 0))
      throw new Error('paddings must not be negative; use Slice to shrink');
    const shape = paddings.map(([before, after], axis) => before + x.shape[axis]! + after);
    const strides = stridesOf(shape);
    const values = new Float64Array(sizeOf(shape)).fill(numberOf(attributes, 'constantValue'));
    const first = paddings.map(([before]) => before);
    put(values, offsets(x.shape, strides, dot(first, strides)), x);
    return { shape, values };
  }),

  Concat: (inputs, attributes) => {
    const [first] = inputs;
    if (first === undefined) throw new Error('takes at least one input, but the equation has 0');
    const axis = axisOf(attributes, 'axis', first.shape.length);
    for (const x of inputs) {
      const joins =
        x.shape.length === first.shape.length && sameShape(x.shape.with(axis, 0), first.shape.with(axis, 0));
      if (!joins) {
        throw new Error(`shapes ${showShape(first.shape)} and ${showShape(x.shape)} differ outside of axis ${axis}`);
      }
    }
    const joined = inputs.reduce((sum, x) => sum + x.shape[axis]!, 0);
    const shape = first.shape.with(axis, joined);
    const strides = stridesOf(shape);
    const values = new Float64Array(sizeOf(shape));
    let start = 0;
    for (const x of inputs) {
      put(values, offsets(x.shape, strides, start), x);
      start += x.shape[axis]! * strides[axis]!;
    }
    return { shape, values };
  },
};

function requireRank(name: string, list: readonly unknown[], x: NdArray): void {
  if (list.length !== x.shape.length) {
    throw new Error(
      `attribute '${name}' has ${list.length} entries, but the input of shape ${showShape(x.shape)} needs ${x.shape.length}`,
    );
  }
}

function dot(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, value, i) => sum + value * b[i]!, 0);
}
