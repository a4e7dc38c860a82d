/** What a Cholesky factor is good for. */
import { evaluate } from '@posteriors/autodiff';
import { greaterEqual, log, mul, scalar, sum, type Tensor, where } from '@tensorflow/tfjs-core';
import { cholesky } from './cholesky.ts';
import { inverseOf } from './inverse.ts';
import { broadcastTo, requireSquare } from './matrix.ts';
import { diagonalOf } from './triangles.ts';
import { solveTriangular, withColumns } from './triangular.ts';

/**
 * Solves `a x = b` for positive definite `a = l l^T`, given its Cholesky factor.
 *
 * @param l lower triangular float32 `[..., n, n]`, as {@link cholesky} returns; the upper triangle is not read.
 * @param b float32 `[..., n, k]`, or `[n]`. The leading axes of both broadcast.
 * @returns `x`, `[..., n, k]`, or `[..., n]` where `b` is a vector. The caller owns it.
 * @throws if the shapes do not fit.
 */
export function choleskySolve(l: Tensor, b: Tensor): Tensor {
  return evaluate('choleskySolve', () =>
    withColumns('choleskySolve', l, b, (factor, columns) =>
      solveTriangular(factor, solveTriangular(factor, columns), { transpose: true }),
    ),
  );
}

/**
 * The inverse of positive definite `a = l l^T`, given its Cholesky factor: `l^-T l^-1`.
 *
 * To solve a system use {@link choleskySolve}, which is faster and more exact.
 *
 * @param l lower triangular float32 `[..., n, n]`; the upper triangle is not read.
 * @returns `a^-1`, symmetric, `[..., n, n]`. The caller owns it.
 */
export function choleskyInverse(l: Tensor): Tensor {
  return evaluate('choleskyInverse', () => inverseOf([l]));
}

/**
 * The logarithm of the determinant of positive definite `a = l l^T`, given its Cholesky factor: `2 sum_i log l_ii`.
 *
 * @param l lower triangular float32 `[..., n, n]` with positive diagonal, of which only the diagonal is read.
 * @returns `[...]`; 0 where n is 0. The caller owns it.
 */
export function choleskyLogDeterminant(l: Tensor): Tensor {
  return evaluate('choleskyLogDeterminant', () => {
    requireSquare('choleskyLogDeterminant', l);
    const diagonal = diagonalOf(l);
    // WebGPU leaves open what the logarithm of NaN is.
    const logs = where(greaterEqual(diagonal, 0), log(diagonal), broadcastTo(scalar(Number.NaN), diagonal.shape));
    return mul(sum(logs, -1), 2);
  });
}

/**
 * The logarithm of the determinant of positive definite matrices, by their Cholesky factors. Its gradient is the inverse.
 *
 * @param a symmetric float32 matrices `[..., n, n]`, of which only the lower triangle is read.
 * @returns `[...]`; 0 where n is 0. The caller owns it.
 * @throws as {@link cholesky}.
 */
export function logDeterminant(a: Tensor): Tensor {
  return evaluate('logDeterminant', () => choleskyLogDeterminant(cholesky(a)));
}
