/** The problems that the checks give to an algorithm: linear models with noise of unit scale and a standard normal prior, up to a constant. */

import { leaves, type TensorTree } from '@posteriors/tree';
import {
  add,
  matMul,
  mean,
  mul,
  reshape,
  scalar,
  square,
  sub,
  sum,
  type Tensor,
  tanh,
  tensor1d,
  tensor2d,
  zeros,
} from '@tensorflow/tfjs-core';
import { type LogProbFn, withAux } from '../transform.ts';

/** `x` is `[rows, 3]`, `y` is `[rows, 2]`. */
export interface Batch {
  readonly x: Tensor;
  readonly y: Tensor;
}

/** `prediction` is `[rows, 2]` or `[rows, 1]`; `error` is a scalar. */
export interface Aux {
  readonly prediction: Tensor;
  readonly error: readonly [Tensor];
}

/** A log posterior and parameters for it, made anew by each call. */
export interface Problem {
  readonly name: string;
  readonly makeParams: () => TensorTree;
  readonly logPosterior: LogProbFn<TensorTree, Batch, Aux>;
}

interface NestedParams {
  readonly layers: readonly { readonly weight: Tensor; readonly bias: Tensor }[];
  readonly scale: Tensor;
  readonly [name: string]: TensorTree;
}

/** Parameters of several shapes in a nested tree. */
export const nested: Problem = {
  name: 'nested parameters',
  makeParams: (): NestedParams => ({
    layers: [{ weight: tensor2d([0.5, -1, 0.25, 2, 1, 0], [3, 2]), bias: tensor1d([0.1, -0.2]) }],
    scale: scalar(1.5),
  }),
  logPosterior: linear((params, x) => {
    const { layers, scale } = params as NestedParams;
    const [{ weight, bias }] = layers as [NestedParams['layers'][0]];
    return mul(add(matMul(x, weight), bias), scale);
  }),
};

/** Parameters that are a tensor, and not a tree of them. */
export const vector: Problem = {
  name: 'a vector',
  makeParams: () => tensor1d([0.5, -1, 0.25]),
  logPosterior: linear((weight, x) => matMul(x, reshape(weight as Tensor, [3, 1]))),
};

/** A single number to infer. */
export const one: Problem = {
  name: 'one parameter',
  makeParams: () => ({ only: tensor1d([0.5]) }),
  logPosterior: linear((params, x) => mul(sum(x, 1, true), (params as { readonly only: Tensor }).only)),
};

/** A last layer to infer: of what is frozen, an empty tensor is left in the tree. */
export const frozen: Problem = {
  name: 'frozen parameters',
  makeParams: () => ({ body: { weight: zeros([0]) }, head: tensor1d([0.5, -1, 0.25]) }),
  logPosterior: linear((params, x) => {
    const { head } = params as { readonly head: Tensor; readonly [name: string]: TensorTree };
    return matMul(tanh(x), reshape(head, [3, 1]));
  }),
};

function linear(predict: (params: TensorTree, x: Tensor) => Tensor): Problem['logPosterior'] {
  return (params, { x, y }) => {
    const prediction = predict(params, x);
    const error = mean<Tensor>(square(sub(y, prediction)));
    const squares = leaves(params).map((leaf) => sum<Tensor>(square(leaf as Tensor)));
    return withAux(
      mul<Tensor>(
        -0.5,
        add(
          error,
          squares.reduce((a, b) => add(a, b)),
        ),
      ),
      { prediction, error: [error] as const },
    );
  };
}

export function makeBatch(rows: number): Batch {
  const values = (count: number, at: (i: number) => number): number[] => Array.from({ length: count }, (_, i) => at(i));
  return {
    x: tensor2d(
      values(3 * rows, (i) => Math.sin(i)),
      [rows, 3],
    ),
    y: tensor2d(
      values(2 * rows, (i) => Math.cos(3 * i)),
      [rows, 2],
    ),
  };
}
