import { oneOf } from '@posteriors/distributions';
import { cholesky, triangularSolve } from '@posteriors/linalg';
import {
  finite,
  type HyperCheck,
  likeParams,
  notNegative,
  positive,
  requireElements,
  requireMatrix,
} from '@posteriors/transform';
import { ravel, size, type TensorTree } from '@posteriors/tree';
import { exp, matMul, mul, rsqrt, Tensor, transpose } from '@tensorflow/tfjs-core';

/**
 * The covariance `S` of parameters with `p` numbers, by one of
 *
 *  - `sdDiag`, `precDiag` or `logSdDiag`: standard deviations of independent parameters, one over their squares, or their logarithms: a tree
 *    like the parameters, or a number or a scalar tensor for all;
 *  - `covariance`: `S` itself, `[p, p]`, symmetric; it need not have full rank;
 *  - `precision`: its inverse, `[p, p]`, symmetric and positive definite;
 *  - `root`: any `A`, `[p, r]`, with `S = A Aᵀ`, such as a Cholesky factor, or a few directions.
 *
 * Matrices are float32, with rows in the order of `tree.ravel`.
 */
export type ParameterSpread =
  | { readonly sdDiag: TensorTree | number }
  | { readonly precDiag: TensorTree | number }
  | { readonly logSdDiag: TensorTree | number }
  | { readonly covariance: Tensor }
  | { readonly precision: Tensor }
  | { readonly root: Tensor };

/** Rows of a Jacobian `J`, `[m, p]`, to two matrices `[m, r]` whose product is `J S Jᵀ`: `left rightᵀ`. */
export type Halves = (rows: Tensor) => readonly [left: Tensor, right: Tensor];

/** What the elements of a form must be that is given for each parameter, and the standard deviations that they stand for. */
interface Diagonal {
  readonly check: HyperCheck;
  readonly sd: (given: Tensor) => Tensor;
}

const diagonals: { readonly [form: string]: Diagonal } = {
  sdDiag: { check: notNegative, sd: (sds) => sds },
  precDiag: { check: positive, sd: (precisions) => rsqrt(precisions) },
  logSdDiag: { check: finite, sd: (logSds) => exp(logSds) },
};

/** Of a matrix `[p, p]` or `[p, r]`. */
const matrices: { readonly [form: string]: (matrix: Tensor) => Halves } = {
  covariance: (covariance) => (rows) => [matMul(rows, covariance), rows],
  precision: (precision) => {
    const l = cholesky(precision);
    return (rows) => twice(transpose(triangularSolve(l, transpose(rows))));
  },
  root: (root) => (rows) => twice(matMul(rows, root)),
};

const forms = [...Object.keys(diagonals), ...Object.keys(matrices)];

/**
 * How the halves are computed, for use within an `evaluate`; this itself is to be called outside of one, where numbers can be read.
 *
 * @throws unless exactly one of the forms is given, and fits the parameters; on cpu and wasm, outside of transforms, also if an element of a
 *   `sdDiag` is negative, one of a `precDiag` not positive, or one of a `logSdDiag` not finite.
 */
export function halvesWith(name: string, spread: ParameterSpread, params: TensorTree): () => Halves {
  const [form, given] = oneOf(name, 'the spread', forms, spread);
  const diagonal = diagonals[form];
  if (diagonal !== undefined) {
    requireElements(form, given as number | TensorTree, diagonal.check);
    return () => {
      const { flat } = ravel(likeParams(form, given as number | TensorTree, params));
      const sds = diagonal.sd(flat);
      return (rows) => twice(mul(rows, sds));
    };
  }
  const matrix = given as Tensor;
  if (form === 'root') requireRows(form, matrix, size(params));
  else requireMatrix(form, matrix, size(params));
  return () => (matrices[form] as (matrix: Tensor) => Halves)(matrix);
}

function twice(half: Tensor): readonly [Tensor, Tensor] {
  return [half, half];
}

function requireRows(form: string, matrix: unknown, rows: number): void {
  if (matrix instanceof Tensor && matrix.dtype === 'float32' && matrix.rank === 2 && matrix.shape[0] === rows) return;
  const has = matrix instanceof Tensor ? `${matrix.dtype}[${matrix.shape}]` : typeof matrix;
  throw new Error(
    `${form} is ${has} and must be float32 [${rows}, r], with a row for each of the ${rows} elements of the parameters in the order of tree.ravel`,
  );
}
