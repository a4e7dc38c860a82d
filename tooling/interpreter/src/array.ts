/** A dense array: `values` holds its elements in row-major order; int32 and bool elements are held exactly, bool as 0 and 1. */
export interface NdArray {
  readonly shape: readonly number[];
  readonly values: Float64Array;
}

export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((size, dimension) => size * dimension, 1);
}

export function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((dimension, i) => dimension === b[i]);
}

export function showShape(shape: readonly number[]): string {
  return `[${shape.join(', ')}]`;
}

/** How far apart neighbours along each axis lie in a row-major array of `shape`. */
export function stridesOf(shape: readonly number[]): number[] {
  return shape.map((_, axis) => sizeOf(shape.slice(axis + 1)));
}

/**
 * For each element of `shape` in row-major order, the place `start + sum(index[axis] * strides[axis])`.
 * Every movement of data is one of these: a stride of 0 repeats an axis, a negative one reverses it, permuted ones transpose.
 */
export function offsets(shape: readonly number[], strides: readonly number[], start = 0): Int32Array {
  let places = Int32Array.of(start);
  shape.forEach((dimension, axis) => {
    const stride = strides[axis]!;
    const next = new Int32Array(places.length * dimension);
    places.forEach((place, i) => {
      for (let j = 0; j < dimension; j++) next[i * dimension + j] = place + j * stride;
    });
    places = next;
  });
  return places;
}

/** A new array of `shape` whose elements are those of `x` at `places`. */
export function take(x: NdArray, shape: readonly number[], places: Int32Array): NdArray {
  return { shape, values: Float64Array.from(places, (place) => x.values[place]!) };
}

/** Writes the elements of `x` into `target` at `places`. */
export function put(target: Float64Array, places: Int32Array, x: NdArray): void {
  places.forEach((place, i) => {
    target[place] = x.values[i]!;
  });
}

/** The shape that `a` and `b` broadcast to: aligned at the last axis, with dimensions that are equal or 1. */
export function broadcastShape(a: readonly number[], b: readonly number[]): number[] {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, axis) => {
    const m = a[axis - rank + a.length] ?? 1;
    const n = b[axis - rank + b.length] ?? 1;
    if (m !== n && m !== 1 && n !== 1) {
      throw new Error(`shapes ${showShape(a)} and ${showShape(b)} do not broadcast; make the dimensions equal or 1`);
    }
    return m === 1 ? n : m;
  });
}

/** `x` repeated along new leading axes and along its axes of dimension 1 until its shape is `shape`. */
export function broadcast(x: NdArray, shape: readonly number[]): NdArray {
  if (sameShape(x.shape, shape)) return x;
  if (!sameShape(broadcastShape(x.shape, shape), shape)) {
    throw new Error(`shape ${showShape(x.shape)} does not broadcast to ${showShape(shape)}`);
  }
  const added = shape.length - x.shape.length;
  const own = stridesOf(x.shape);
  const strides = shape.map((_, axis) => (axis < added || x.shape[axis - added] === 1 ? 0 : own[axis - added]!));
  return take(x, shape, offsets(shape, strides));
}

/** The lines of an array along one axis: each starts at one of `starts` and has `length` elements, `stride` apart. */
export interface Lines {
  readonly starts: Int32Array;
  readonly length: number;
  readonly stride: number;
}

export function linesAlong(shape: readonly number[], axis: number): Lines {
  const strides = stridesOf(shape);
  const acrossShape = shape.map((dimension, i) => (i === axis ? 1 : dimension));
  return { starts: offsets(acrossShape, strides), length: shape[axis]!, stride: strides[axis]! };
}
