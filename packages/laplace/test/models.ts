// The models of the golden files: rows of x to logits, for three trees of parameters.
import { structure, type TensorTree, unflatten } from '@posteriors/tree';
import * as tf from '@tensorflow/tfjs-core';

export type Batch = { readonly x: tf.Tensor; readonly y: tf.Tensor };
export type Values = number | readonly Values[];

export interface Model {
  /** The parameters with these values of their leaves, in the order of their paths. */
  readonly params: (leaves: readonly Values[]) => TensorTree;
  /** Logits `[rows, 1 or 2]`. */
  readonly logits: (params: never, x: tf.Tensor) => tf.Tensor;
}

const column = (x: tf.Tensor, index: number): tf.Tensor => tf.slice(x, [0, index], [x.shape[0] as number, 1]);
const element = (p: tf.Tensor, index: number): tf.Tensor => tf.slice(p, [index], [1]);
const like =
  (tree: unknown) =>
  (leaves: readonly Values[]): TensorTree =>
    unflatten(
      structure(tree),
      leaves.map((values) => tf.tensor(values as number[])),
    ) as TensorTree;

export const models: { readonly [name: string]: Model } = {
  vector: {
    params: like(0),
    logits: (p: tf.Tensor, x) => {
      const second = tf.add(tf.mul(tf.sin(element(p, 0)), column(x, 1)), tf.square(element(p, 2)));
      return tf.concat([tf.matMul(x, tf.reshape(p, [3, 1])), second], 1);
    },
  },
  nested: {
    params: like({ layer: { bias: 0, weight: 0 }, scale: 0 }),
    logits: ({ layer, scale }: { layer: { bias: tf.Tensor; weight: tf.Tensor }; scale: tf.Tensor }, x) =>
      tf.mul(scale, tf.tanh(tf.add(tf.matMul(x, layer.weight), layer.bias))),
  },
  one: {
    params: like({ only: 0 }),
    logits: ({ only }: { only: tf.Tensor }, x) =>
      tf.add(tf.mul(only, column(x, 0)), tf.mul(tf.square(only), column(x, 1))),
  },
};

/** Log likelihood of each label: softmax of two logits, or the logistic function of one. */
export const logLikelihoods = (z: tf.Tensor, { y }: Batch): tf.Tensor => {
  if (z.shape[1] === 1) {
    const logit = tf.reshape(z, [-1]);
    return tf.sub(tf.mul(y, logit), tf.softplus(logit));
  }
  return tf.sum(tf.mul(tf.oneHot(tf.cast(y, 'int32'), 2), tf.logSoftmax(z)), 1);
};

export const makeBatch = ({ x, y }: { readonly x: number[][]; readonly y: number[] }): Batch => ({
  x: tf.tensor2d(x),
  y: tf.tensor1d(y),
});
