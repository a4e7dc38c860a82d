import { cholesky, diagonal, triangularSolve } from '@posteriors/linalg';
import {
  abs,
  add,
  log,
  matMul,
  mul,
  neg,
  reshape,
  square,
  sub,
  sum,
  type Tensor,
  tensor2d,
  transpose,
} from '@tensorflow/tfjs-core';
import { halfLogTwoPi } from './normal-density.ts';
import { oneTensorOf } from './one-of.ts';

/**
 * The spread of a multivariate normal distribution by one of three float32 matrices `[..., n, n]`: the covariance, the precision (its
 * inverse), both symmetric and positive definite, of which the lower triangle is read; or a lower triangular factor `L` of the covariance
 * `L Lᵀ`, whose diagonal may have any sign, and in which what is above the diagonal, if finite, counts as 0.
 */
export type CovarianceForm =
  | { readonly covariance: Tensor }
  | { readonly precision: Tensor }
  | { readonly factor: Tensor };

/** What a factor of a covariance `A Aᵀ` is good for; `A` is `L` of the covariance, or `L^-T` of the precision `L Lᵀ`. */
export interface Factored {
  /** The matrices have shape `[...batch, n, n]`. */
  readonly batch: readonly number[];
  readonly n: number;
  /** `A z`: vectors `[...sample, ...batch, n]` of independent standard normal numbers to vectors with the covariance. */
  readonly color: (z: Tensor) => Tensor;
  /** `A^-1 x`, the way back. */
  readonly whiten: (x: Tensor) => Tensor;
  /** `log |det A|`, `[...batch]`. */
  readonly logVolume: () => Tensor;
}

/** @throws unless exactly one matrix is given, and it is square and float32; on cpu and wasm also if it is not positive definite. */
export function factored(name: string, form: CovarianceForm): Factored {
  const [kind, matrix] = oneTensorOf(name, 'the spread', ['covariance', 'precision', 'factor'], form);
  const [rows, columns] = matrix.shape.slice(-2);
  if (matrix.rank < 2 || rows !== columns || matrix.dtype !== 'float32') {
    throw new Error(`${name}: the ${kind} is ${matrix.dtype}[${matrix.shape}] and must be float32 [..., n, n]`);
  }
  const batch = matrix.shape.slice(0, -2);
  const n = rows as number;
  const l = kind === 'factor' ? lowerTriangle(matrix) : cholesky(matrix);
  const inverse = kind === 'precision';
  const times = (x: Tensor): Tensor => onColumns(x, batch.length, (vectors) => matMul(l, vectors, inverse));
  const solved = (x: Tensor): Tensor =>
    onColumns(x, batch.length, (vectors) => triangularSolve(l, vectors, { transpose: inverse }));
  const logVolume = (): Tensor => sum(log(abs(diagonal(l))), -1);
  return inverse
    ? { batch, n, color: solved, whiten: times, logVolume: () => neg(logVolume()) }
    : { batch, n, color: times, whiten: solved, logVolume };
}

/** The log density of vectors `[..., n]` from which the mean was taken, by their whitened form `z`. */
export function logDensity(centred: Tensor, { n, whiten, logVolume }: Factored, normalize: boolean): Tensor {
  const kernel = mul(sum(square(whiten(centred)), -1), -0.5);
  return normalize ? sub(kernel, add(logVolume(), n * halfLogTwoPi)) : kernel;
}

/**
 * Applies a linear map of matrices `[..., n, k]` to vectors `[...sample, ...batch, n]`, where `batch` has `depth` axes, that may be missing:
 * the samples become columns, so that a factor is not repeated for them.
 */
function onColumns(x: Tensor, depth: number, apply: (columns: Tensor) => Tensor): Tensor {
  const n = x.shape[x.rank - 1] as number;
  const leading = [...Array.from({ length: depth }, () => 1), ...x.shape.slice(0, -1)];
  const sample = x.shape.slice(0, Math.max(0, x.rank - 1 - depth));
  const batch = leading.slice(leading.length - depth);
  const axes = batch.map((_, axis) => axis + 1);
  const count = sample.reduce((product, size) => product * size, 1);
  const columns = transpose(reshape(x, [count, ...batch, n]), [...axes, depth + 1, 0]);
  const result = apply(columns);
  const rows = transpose(result, [depth + 1, ...batch.keys(), depth]);
  return reshape(rows, [...sample, ...result.shape.slice(0, -2), n]);
}

function lowerTriangle(matrix: Tensor): Tensor {
  const n = matrix.shape[matrix.rank - 1] as number;
  const mask = Float32Array.from({ length: n * n }, (_, at) => (at % n <= Math.floor(at / n) ? 1 : 0));
  return mul(matrix, tensor2d(mask, [n, n]));
}
