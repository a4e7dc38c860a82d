import { cholesky, triangularSolve } from '@posteriors/linalg';
import { mapWithPath, ravel, size, type TensorTree } from '@posteriors/tree';
import { matMul, mul, Tensor, transpose } from '@tensorflow/tfjs-core';

/**
 * The covariance `S` of parameters with `p` numbers, by one of
 *
 *  - `sdDiag`: standard deviations of independent parameters, a tree like the parameters or a number for all;
 *  - `covariance`: `S` itself, `[p, p]`, symmetric; it need not have full rank;
 *  - `precision`: its inverse, `[p, p]`, symmetric and positive definite;
 *  - `factor`: any `A`, `[p, r]`, with `S = A Aᵀ`, such as a Cholesky factor, or a few directions.
 *
 * Matrices are float32, with rows in the order of `tree.ravel`.
 */
export type ParameterSpread =
  | { readonly sdDiag: TensorTree | number }
  | { readonly covariance: Tensor }
  | { readonly precision: Tensor }
  | { readonly factor: Tensor };

/** Rows of a Jacobian `J`, `[m, p]`, to two matrices `[m, r]` whose product is `J S Jᵀ`: `left rightᵀ`. */
export type Halves = (rows: Tensor) => readonly [left: Tensor, right: Tensor];

/** @throws unless exactly one of the forms is given, and fits the parameters. */
export function halvesWith(name: string, spread: ParameterSpread, params: TensorTree): Halves {
  const given = Object.keys(spread ?? {});
  if (given.length !== 1 || !forms.includes(given[0] as string)) {
    throw new Error(
      `${name}: the spread is given by {${given.join(', ')}} and must be given by one of ${forms.map((form) => `{${form}}`).join(', ')}`,
    );
  }
  const twice = (half: Tensor): readonly [Tensor, Tensor] => [half, half];
  if ('sdDiag' in spread) {
    const sds = deviations(name, spread.sdDiag, params);
    return (rows) => twice(mul(rows, sds));
  }
  const p = size(params);
  if ('covariance' in spread) {
    const covariance = requireRows(name, 'covariance', spread.covariance, p, p);
    return (rows) => [matMul(rows, covariance), rows];
  }
  if ('precision' in spread) {
    const l = cholesky(requireRows(name, 'precision', spread.precision, p, p));
    return (rows) => twice(transpose(triangularSolve(l, transpose(rows))));
  }
  const factor = requireRows(name, 'factor', spread.factor, p);
  return (rows) => twice(matMul(rows, factor));
}

const forms = ['sdDiag', 'covariance', 'precision', 'factor'];

/** Standard deviations as a number, or a vector `[p]`. */
function deviations(name: string, sdDiag: TensorTree | number, params: TensorTree): Tensor | number {
  if (typeof sdDiag === 'number') {
    if (sdDiag >= 0 && sdDiag < Infinity) return sdDiag;
    throw new Error(`${name}: sdDiag is ${sdDiag} and must be a number that is not negative, or a tree`);
  }
  mapWithPath(
    (path, leaf, other) => {
      if (other instanceof Tensor && `${other.shape}` === `${leaf.shape}`) return;
      const has = other instanceof Tensor ? `[${other.shape}]` : typeof other;
      throw new Error(`${name}: sdDiag ${path} is ${has} and must be [${leaf.shape}], as the parameters are`);
    },
    params,
    sdDiag,
  );
  return ravel(sdDiag).flat;
}

function requireRows(name: string, what: string, matrix: Tensor, rows: number, columns?: number): Tensor {
  const fits =
    matrix instanceof Tensor &&
    matrix.dtype === 'float32' &&
    matrix.rank === 2 &&
    matrix.shape[0] === rows &&
    (columns === undefined || matrix.shape[1] === columns);
  if (fits) return matrix;
  const has = matrix instanceof Tensor ? `${matrix.dtype}[${matrix.shape}]` : typeof matrix;
  throw new Error(
    `${name}: the ${what} is ${has} and must be float32 [${rows}, ${columns ?? 'r'}], with a row for each of the ${rows} elements of the parameters`,
  );
}
