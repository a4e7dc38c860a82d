// Functions of this package on random numbers between -1 and 1, made into matrices that are away from where there is no derivative.
import * as tf from '@tensorflow/tfjs-core';
import {
  cholesky,
  choleskyInverse,
  choleskyLogDeterminant,
  choleskySolve,
  eigh,
  logDeterminant,
  qr,
  svd,
  triangularSolve,
} from '../src/index.ts';

type Tensor = tf.Tensor;

export interface Case {
  readonly name: string;
  readonly f: (...inputs: Tensor[]) => Tensor;
  readonly shapes: readonly (readonly number[])[];
}

const swap = (x: Tensor): Tensor => {
  const axes = [...x.shape.keys()];
  return tf.transpose(x, [...axes.slice(0, -2), x.rank - 1, x.rank - 2]);
};

/** A matrix with the numbers `at(i)` on its diagonal. */
const diagonal = (n: number, at: (i: number) => number): Tensor =>
  tf.tensor(
    Array.from({ length: n * n }, (_, k) => (k % (n + 1) === 0 ? at(k / (n + 1)) : 0)),
    [n, n],
  );

const order = (x: Tensor): number => x.shape[x.rank - 1]!;

/** Positive definite, with eigenvalues of at least 1. */
const positive = (x: Tensor): Tensor =>
  tf.add(
    tf.matMul(x, x, false, true),
    diagonal(order(x), () => 1),
  );

/** Symmetric, with eigenvalues that differ. */
const symmetric = (x: Tensor): Tensor =>
  tf.add(
    tf.mul(tf.add(x, swap(x)), 0.3),
    diagonal(order(x), (i) => 2 * i - 1),
  );

/** A matrix whose triangles are far from singular. */
const triangular = (x: Tensor): Tensor =>
  tf.add(
    x,
    diagonal(order(x), () => 2),
  );

/** A matrix, not square perhaps, with singular values that differ. */
const spread = (x: Tensor): Tensor => {
  const [m, n] = [x.shape[x.rank - 2]!, x.shape[x.rank - 1]!];
  const values = Array.from({ length: m * n }, (_, k) =>
    Math.floor(k / n) === k % n ? 1.5 * (Math.min(m, n) - (k % n)) : 0,
  );
  return tf.add(tf.mul(x, 0.5), tf.tensor(values, [m, n]));
};

function of(
  name: string,
  f: (...inputs: Tensor[]) => Tensor,
  ...shapes: readonly (readonly (readonly number[])[])[]
): Case[] {
  return shapes.map((each) => ({ name: `${name} ${each.map((shape) => `[${shape}]`).join(' ')}`, f, shapes: each }));
}

const squares = [[[3, 3]], [[1, 1]], [[0, 0]], [[2, 3, 3]], [[0, 2, 2]]];
const sides = [
  [
    [3, 3],
    [3, 2],
  ],
  [
    [1, 1],
    [1, 1],
  ],
  [[3, 3], [3]],
  [
    [2, 3, 3],
    [3, 1],
  ],
  [
    [2, 2],
    [2, 1, 2, 2],
  ],
  [
    [0, 0],
    [0, 2],
  ],
  [
    [2, 2],
    [2, 0],
  ],
];
const oblongs = [[[4, 2]], [[2, 4]], [[3, 3]], [[1, 1]], [[3, 1]], [[1, 3]], [[2, 3, 2]], [[0, 2]], [[2, 0]]];

export const cases: readonly Case[] = [
  ...of('cholesky', (x) => cholesky(positive(x)), ...squares),
  ...[true, false].flatMap((lower) =>
    [true, false].flatMap((transpose) =>
      of(
        `triangularSolve ${lower ? 'lower' : 'upper'}${transpose ? ' transposed' : ''}`,
        (x, b) => triangularSolve(triangular(x), b, { lower, transpose }),
        ...(lower && !transpose ? sides : sides.slice(0, 1)),
      ),
    ),
  ),
  ...of('choleskySolve', (x, b) => choleskySolve(triangular(x), b), ...sides),
  ...of('choleskyInverse', (x) => choleskyInverse(triangular(x)), ...squares),
  ...of('choleskyLogDeterminant', (x) => choleskyLogDeterminant(triangular(x)), ...squares),
  ...of('logDeterminant', (x) => logDeterminant(positive(x)), ...squares),
  ...of('eigh values', (x) => eigh(symmetric(x)).values, ...squares),
  ...of('eigh vectors', (x) => eigh(symmetric(x)).vectors, ...squares),
  ...of('qr q', (x) => qr(spread(x)).q, ...oblongs),
  ...of('qr r', (x) => qr(spread(x)).r, ...oblongs),
  ...of('svd u', (x) => svd(spread(x)).u, ...oblongs),
  ...of('svd values', (x) => svd(spread(x)).values, ...oblongs),
  ...of('svd v', (x) => svd(spread(x)).v, ...oblongs),
];
