// The logistic models of the tests, and trees of parameters.
import { ravel, type TensorTree } from '@posteriors/tree';
import * as tf from '@tensorflow/tfjs-core';

export type Batch = { readonly x: tf.Tensor; readonly y: tf.Tensor };

/** Parameters of each form, made of their elements in the order of `ravel`. */
export const trees: { readonly [name: string]: (elements: readonly number[]) => TensorTree } = {
  vector: (elements) => tf.tensor1d([...elements]),
  nested: (elements) => ({
    layers: [{ weight: tf.tensor2d(elements.slice(2, 6), [2, 2]), bias: tf.tensor1d(elements.slice(0, 2)) }],
    scale: tf.scalar(elements[6] as number),
  }),
  one: (elements) => ({ only: tf.tensor1d([...elements]) }),
};

/** Logits `x . theta + 0.3 x . theta^2`, `[examples]`. */
export const logitsOf = (params: TensorTree, { x }: Batch): tf.Tensor => {
  const theta = ravel(params).flat;
  return tf.reshape(tf.matMul(x, tf.reshape(tf.add(theta, tf.mul(0.3, tf.square(theta))), [-1, 1])), [-1]);
};

/** Log probabilities of labels `y`, 0 or 1. */
export const logProbs = (logits: tf.Tensor, { y }: Batch): tf.Tensor => tf.sub(tf.mul(y, logits), tf.softplus(logits));

export const numbers = (tensor: tf.Tensor): number[] => Array.from(tensor.dataSync());
export const flat = (tree: unknown): number[] => numbers(ravel(tree as TensorTree).flat);
