// Both families behind one interface, for the tests of what they share, and a target that both contain.
import '@posteriors/backend/cpu';
import { setBackend } from '@posteriors/backend';
import { LToFlat } from '@posteriors/distributions';
import type { GradientTransformation } from '@posteriors/optim';
import { type LogProbFn, type StateBase, type Transform, withAux } from '@posteriors/transform';
import { map, ravel, type TensorTree } from '@posteriors/tree';
import * as tf from '@tensorflow/tfjs-core';
import { dense, diag } from '../src/index.ts';

await setBackend('cpu');

export type Theta = { readonly a: tf.Tensor; readonly b: tf.Tensor };
type Aux = { readonly theta: Theta; readonly key: tf.Tensor };
export type LogProb = LogProbFn<Theta, null, Aux>;

export interface State extends StateBase {
  readonly params: Theta;
  readonly nelbo: tf.Tensor;
  readonly optState: TensorTree;
  readonly logSdDiag?: Theta;
  readonly LFactor?: tf.Tensor;
  dispose(): void;
}

export interface Family {
  readonly name: string;
  readonly field: 'logSdDiag' | 'LFactor';
  /** The option of the first spread, its default and what suits a network; and a choice that starts with small standard deviations. */
  readonly option: string;
  readonly unit: number;
  readonly advice: number;
  readonly small: object;
  /** The spread for `nelbo`, of standard deviations and of what the state holds. */
  readonly ofSds: (sds: Theta) => TensorTree;
  readonly ofMoved: (moved: TensorTree) => TensorTree;
  readonly build: (
    logProb: LogProb,
    optimizer: GradientTransformation,
    config?: object,
  ) => Transform<Theta, State, null, Aux, diag.Hyper>;
  readonly init: (params: Theta, optimizer: GradientTransformation, options?: object) => State;
  readonly update: (
    state: State,
    batch: null,
    logProb: LogProb,
    optimizer: GradientTransformation,
    config?: object,
    options?: object,
  ) => [State, Aux];
  readonly sample: (state: object, options?: object) => Theta;
  readonly nelbo: (
    mean: Theta,
    spread: TensorTree,
    batch: null,
    logProb: LogProb,
    options?: object,
  ) => [tf.Tensor, Aux];
}

/** The lower triangle of the diagonal matrix of these numbers, in the order of `ravel`. */
const diagonalTriangle = (tree: TensorTree): tf.Tensor => {
  const { flat } = ravel(tree);
  return LToFlat(tf.mul(tf.eye(flat.size), flat));
};

export const families: readonly Family[] = [
  {
    name: 'vi.diag',
    field: 'logSdDiag',
    option: 'initLogSds',
    unit: 0,
    advice: -3,
    small: { initLogSds: -1 },
    ofSds: (sds: Theta) => sds,
    ofMoved: (moved: TensorTree) => map((logSd: tf.Tensor) => tf.exp(logSd), moved),
    ...(diag as unknown as Pick<Family, 'build' | 'init' | 'update' | 'sample' | 'nelbo'>),
  },
  {
    name: 'vi.dense',
    field: 'LFactor',
    option: 'initL',
    unit: 1,
    advice: 0.05,
    small: { initL: 0.4 },
    ofSds: diagonalTriangle,
    ofMoved: (moved: TensorTree) => moved,
    ...(dense as unknown as Pick<Family, 'build' | 'init' | 'update' | 'sample' | 'nelbo'>),
  },
];

export const mean: Theta = { a: tf.tensor2d([[1, -2, 0.5]]), b: tf.scalar(3) };
export const sds: Theta = { a: tf.tensor2d([[0.5, 2, 1]]), b: tf.scalar(0.1) };

/** A normalised diagonal normal, written as the precisions and the constant apart. */
export const target: LogProb = (theta, _, { key }) => {
  const terms = (['a', 'b'] as const).map((name) => {
    const precision = tf.pow(sds[name], -2);
    const square = tf.sum(tf.mul(precision, tf.square(tf.sub(theta[name], mean[name]))));
    return tf.sub(tf.mul(0.5, tf.sum(tf.log(tf.div(precision, 2 * Math.PI)))), tf.mul(0.5, square));
  });
  return withAux(
    terms.reduce((x, y) => tf.add(x, y)),
    { theta, key },
  );
};

export const numberOf = (tensor: tf.Tensor): number => tensor.dataSync()[0] as number;
export const repeat = (count: number): Iterable<null> => Array.from({ length: count }, () => null);
