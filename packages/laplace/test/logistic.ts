// The logistic regression of the golden numbers: four data, parameters of two leaves, in the order b, w of their names.
import type { LogProbFn } from '@posteriors/transform';
import * as tf from '@tensorflow/tfjs-core';
import type { Batch } from './models.ts';

export type Params = { readonly b: tf.Tensor; readonly w: tf.Tensor };

export const makeParams = (): Params => ({ b: tf.tensor1d([0.1]), w: tf.tensor1d([0.2, -0.4, 0.6]) });

export const makeBatch = (): Batch => ({
  x: tf.tensor2d([[1, 2, -1], [0.5, -0.3, 0.8], [-1.2, 0.4, 0.1], [2, 1, 0]]), // biome-ignore format: a matrix
  y: tf.tensor1d([1, 0, 0, 1]),
});

/** Logits, one a row of `x`. */
export const forward = ({ b, w }: Params, { x }: Batch): [tf.Tensor, []] => [
  tf.add(tf.reshape(tf.matMul(x, tf.reshape(w, [3, 1])), [-1]), b),
  [],
];

const logProbs = (logits: tf.Tensor, { y }: Batch): tf.Tensor => tf.sub(tf.mul(y, logits), tf.softplus(logits));

/** The log likelihood given the logits. */
export const outer = (logits: tf.Tensor, batch: Batch): tf.Tensor => tf.sum(logProbs(logits, batch));

export const logLikelihood: LogProbFn<Params, Batch, []> = (params, batch) => [
  outer(forward(params, batch)[0], batch),
  [],
];

/** The log likelihood of each datum. */
export const each: LogProbFn<Params, Batch, []> = (params, batch) => [logProbs(forward(params, batch)[0], batch), []];
