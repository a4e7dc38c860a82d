/** Matrices are compared by their products with a few fixed vectors, which cost no more than a gradient each. */
const DIRECTIONS = 3;

/** Vectors without structure, of size 1 in each element. */
export function directions(size: number): Float64Array[] {
  return Array.from({ length: DIRECTIONS }, (_, k) =>
    Float64Array.from({ length: size }, (_, i) => Math.cos((k + 1.3) * (i + 1) ** 1.1)),
  );
}

export function product(matrix: Float64Array, vector: Float64Array): Float64Array {
  const size = vector.length;
  return Float64Array.from({ length: size }, (_, row) => dot(matrix.subarray(row * size, (row + 1) * size), vector));
}

export function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] as number) * (b[i] as number);
  return sum;
}

/** `sum + factor * vector`, into `sum`. */
export function accumulate(sum: Float64Array, factor: number, vector: Float64Array): Float64Array {
  for (let i = 0; i < sum.length; i++) sum[i]! += factor * (vector[i] as number);
  return sum;
}
