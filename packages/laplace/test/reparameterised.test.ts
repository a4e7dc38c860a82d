// Draws are differentiable functions of mean and precision: θ = mean + precision^(-1/2) ξ.
import '@posteriors/backend/cpu';
import { grad } from '@posteriors/autodiff';
import { setBackend } from '@posteriors/backend';
import '@posteriors/testing';
import * as tf from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { denseFisher, denseGgn, denseHessian, diagFisher, diagGgn } from '../src/index.ts';

await setBackend('cpu');
const mean = tf.tensor1d([1, -2]) as tf.Tensor;
const options = { seed: 1, sampleShape: [3] };

/** Expects a slope of 1 in the mean for each draw, and of -1/2 of what is off the mean in a factor of the precision, at 1. */
const expectSlopes = (draw: (w: tf.Tensor, factor: tf.Tensor) => tf.Tensor): void => {
  expect(grad((w: tf.Tensor) => tf.sum(draw(w, tf.scalar(1))))(mean)).toBeAllClose([3, 3]);
  const offset = tf.sum(draw(tf.zeros([2]), tf.scalar(1)));
  const slope = grad((factor: tf.Tensor) => tf.sum(draw(mean, factor)))(tf.scalar(1));
  expect(slope).toBeAllClose(tf.mul(-0.5, offset), { rtol: 1e-5 });
};

test.each(Object.entries({ diagFisher, diagGgn }))('%s', (_, { init, sample }) => {
  const state = init({ w: mean }, { initPrecDiag: { w: tf.tensor1d([4, 0.25]) }, seed: 0 });
  expectSlopes((w, factor) => sample({ ...state, params: { w }, precDiag: { w: tf.mul(state.precDiag.w, factor) } }, options).w); // biome-ignore format: one line
});

test.each(Object.entries({ denseFisher, denseGgn, denseHessian }))('%s', (_, { init, sample }) => {
  const state = init({ w: mean }, { initPrec: tf.tensor2d([[4, 1], [1, 3]]), seed: 0 }); // biome-ignore format: a matrix
  expectSlopes((w, factor) => sample({ ...state, params: { w }, prec: tf.mul(state.prec, factor) }, options).w);
});
