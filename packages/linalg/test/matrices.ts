// Matrices of random numbers, and their products in float64.
import { type Tensor, tensor2d } from '@tensorflow/tfjs-core';
import { numbers } from './float64.ts';

/** A matrix as its rows, of float32 numbers where it is an input. */
export type Rows = readonly (readonly number[])[];

export const sizes: readonly number[] = Array.from({ length: 40 }, (_, i) => i + 1);

export function random(m: number, n: number, seed: number): number[][] {
  const next = numbers(seed);
  return Array.from({ length: m }, () => Array.from({ length: n }, () => next()));
}

export function transposed(a: Rows): number[][] {
  return (a[0] ?? []).map((_, j) => a.map((row) => row[j]!));
}

export function product(a: Rows, b: Rows): number[][] {
  const columns = transposed(b);
  return a.map((row) => columns.map((column) => row.reduce((sum, x, k) => sum + x * column[k]!, 0)));
}

export function rounded(a: Rows): number[][] {
  return a.map((row) => row.map(Math.fround));
}

/** `a a^T / n + shift I`. */
export function positive(n: number, seed: number, shift = 0.1): number[][] {
  const a = random(n, n, seed);
  return rounded(product(a, transposed(a)).map((row, i) => row.map((x, j) => x / n + (i === j ? shift : 0))));
}

export function symmetric(n: number, seed: number): number[][] {
  const a = random(n, n, seed);
  return a.map((row, i) => row.map((x, j) => (i >= j ? x : a[j]![i]!)));
}

export function identity(n: number): number[][] {
  return Array.from({ length: n }, (_, i) => Array.from({ length: n }, (__, j) => (i === j ? 1 : 0)));
}

/** `1 / (i + j + 1)`: ill-conditioned. */
export function hilbert(n: number): number[][] {
  return rounded(identity(n).map((row, i) => row.map((_, j) => 1 / (i + j + 1))));
}

export function tensorOf(a: Rows): Tensor {
  return tensor2d(a.flat(), [a.length, a[0]?.length ?? 0]);
}

/** The rows of a tensor, which is disposed. */
export function rowsOf(x: Tensor): number[][] {
  const rows = x.arraySync() as number[][];
  x.dispose();
  return rows;
}

/** The largest difference between two matrices. */
export function distance(a: Rows, b: Rows): number {
  let result = 0;
  a.forEach((row, i) => {
    row.forEach((x, j) => {
      const difference = Math.abs(x - b[i]![j]!);
      result = difference > result || Number.isNaN(difference) ? difference : result;
    });
  });
  return result;
}

/** The elements of a tensor, which is disposed. */
export function valuesOf(x: Tensor): number[] {
  const values = [...x.dataSync()];
  x.dispose();
  return values;
}
