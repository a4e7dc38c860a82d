import { evaluate } from '@posteriors/autodiff';
import type { Tensor } from '@tensorflow/tfjs-core';
import { requireSquare } from './matrix.ts';
import { diagonalOf } from './triangles.ts';

/**
 * The diagonals of matrices. Linear, and differentiable.
 *
 * @param a float32 `[..., n, n]`.
 * @returns `[..., n]`, which the caller owns.
 * @throws if the matrices are not square, or not float32.
 */
export function diagonal(a: Tensor): Tensor {
  return evaluate('diagonal', () => {
    requireSquare('diagonal', a);
    return diagonalOf(a);
  });
}
