// The quadratic of the golden trajectories: log p = -(θ - μ)ᵀ A (θ - μ) / 2.
import * as tf from '@tensorflow/tfjs-core';

export const start: number[] = [3, 0.5];
const precision = [[2, 0.5], [0.5, 1]]; // biome-ignore format: a matrix
const mean = [1, -2];

export const gradient = (theta: readonly number[]): number[] =>
  precision.map((row) => -row.reduce((sum, a, j) => sum + a * ((theta[j] as number) - (mean[j] as number)), 0));

export const logQuadratic = (theta: tf.Tensor): [tf.Tensor, []] => {
  const centred = tf.reshape(tf.sub(theta, tf.tensor1d(mean)), [2, 1]);
  return [tf.mul(-0.5, tf.sum(tf.mul(centred, tf.matMul(tf.tensor2d(precision), centred)))), []];
};
