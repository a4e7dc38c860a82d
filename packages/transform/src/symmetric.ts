import { unitRows } from '@posteriors/autodiff';
import { add, mul, range, Tensor, transpose } from '@tensorflow/tfjs-core';
import type { HyperCheck } from './hyper.ts';
import { requireElements } from './init.ts';
import { readsAtOnce } from './reads-at-once.ts';

/** The symmetric part of a matrix, `(a + aᵀ) / 2`: symmetric to the bit. */
export function symmetricPart(a: Tensor): Tensor {
  return mul(0.5, add(a, transpose(a)));
}

/**
 * A symmetric matrix `[n, n]` from what a user may give in its place: a number or a scalar tensor, which stands for itself times the
 * identity, or a float32 tensor `[n, n]`. What rounding leaves of asymmetry is taken out.
 */
export function symmetricLike(given: number | Tensor, n: number): Tensor {
  const isMatrix = given instanceof Tensor && given.rank > 0;
  return isMatrix ? symmetricPart(given) : mul(given, unitRows(range(0, n, 1, 'int32'), n));
}

/**
 * Looks at what {@link symmetricLike} is to be given. `option` is its name, for errors. To be called outside of an `evaluate` of one's own.
 *
 * @throws unless it is a number or a float32 scalar that passes the check, or a symmetric matrix with a diagonal that does; tensors are looked
 *   at where they can be read at once.
 */
export function requireSymmetricLike(option: string, given: number | Tensor, n: number, check: HyperCheck): void {
  if (!(given instanceof Tensor) || given.rank === 0) {
    if (given instanceof Tensor && given.dtype !== 'float32') {
      throw new Error(`${option} is ${given.dtype}[] and must be float32`);
    }
    requireElements(option, given, check);
    return;
  }
  requireSymmetric(option, given, n);
  if (!readsAtOnce()) return;
  const values = given.dataSync();
  for (let i = 0; i < n; i++) {
    const value = values[i * (n + 1)] as number;
    if (!check.test(value)) throw new Error(`${option} is ${value} at [${i},${i}] and must be ${check.must} on the diagonal`); // biome-ignore format: one line
  }
}

/**
 * @throws unless `given` is a float32 tensor `[n, n]` that, where it can be read at once, is finite and symmetric to rounding. `option` is its
 *   name, for errors. To be called outside of an `evaluate` of one's own, within which nothing can be read.
 */
export function requireSymmetric(option: string, given: Tensor, n: number): void {
  requireMatrix(option, given, n);
  if (readsAtOnce()) requireSymmetricValues(option, given.dataSync(), n);
}

/** @throws unless `given` is a float32 tensor `[n, n]`, whose values are not looked at. `option` is its name, for errors. */
export function requireMatrix(option: string, given: Tensor, n: number): void {
  const { dtype, shape } = given;
  if (given.isDisposed) throw new Error(`${option} is a disposed tensor ${dtype}[${shape}]`);
  if (dtype !== 'float32' || `${shape}` !== `${[n, n]}`) {
    throw new Error(
      `${option} is ${dtype}[${shape}] and must be float32 [${n},${n}], with a row for each of the ${n} elements of the parameters in the order of tree.ravel`,
    );
  }
}

/** How far two elements that should be equal may be apart, of the largest of all. */
const ROUNDING = 1e-4;

function requireSymmetricValues(option: string, values: ArrayLike<number>, n: number): void {
  const at = (i: number, j: number): number => values[i * n + j] as number;
  let largest = 0;
  for (let i = 0; i < n * n; i++) largest = Math.max(largest, Math.abs(values[i] as number));
  if (!Number.isFinite(largest)) throw new Error(`${option} has an element that is not finite`);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < i; j++) {
      if (Math.abs(at(i, j) - at(j, i)) <= ROUNDING * largest) continue;
      throw new Error(
        `${option} is not symmetric: element [${i},${j}] is ${at(i, j)} and element [${j},${i}] is ${at(j, i)}; give (a + aᵀ) / 2`,
      );
    }
  }
}
