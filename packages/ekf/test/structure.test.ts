// How the filters are computed: how much they hold at once, and what can be differentiated.
import '@posteriors/backend/cpu';
import { grad, makeProgram } from '@posteriors/autodiff';
import { setBackend, simplify } from '@posteriors/backend';
import '@posteriors/testing';
import { withAux } from '@posteriors/transform';
import * as tf from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { largest } from '../../laplace/test/largest.ts';
import { denseFisher, denseGgn, diagFisher, diagGgn } from '../src/index.ts';

await setBackend('cpu');

type Batch = { readonly x: tf.Tensor; readonly y: tf.Tensor };

test('the diagonal filters of 300 times 1000 weights hold no Jacobian of a batch of 64', () => {
  const [inputs, units, examples] = [300, 1000, 64];
  const weights = tf.ones([inputs, units]);
  const batch: Batch = { x: tf.ones([examples, inputs]), y: tf.ones([examples]) };
  const outputs = (p: tf.Tensor, { x }: Batch): [tf.Tensor, []] => [tf.sum(tf.tanh(tf.matMul(x, p)), 1), []];
  const each = (z: tf.Tensor, { y }: Batch): tf.Tensor => tf.mul(-0.5, tf.square(tf.sub(y, z)));
  const mean = (z: tf.Tensor, data: Batch): tf.Tensor => tf.mean(each(z, data));
  const hyper = { learningRate: 0.1 };
  const transforms = [
    diagFisher.build((p: tf.Tensor, data: Batch) => withAux(mean(outputs(p, data)[0], data), []), hyper),
    diagFisher.build((p: tf.Tensor, data: Batch) => withAux(each(outputs(p, data)[0], data), []), {
      ...hyper,
      perSample: true,
    }),
    diagGgn.build(outputs, mean, hyper),
  ];
  for (const transform of transforms) {
    const state = transform.init(weights);
    const step = (sdDiag: tf.Tensor, data: Batch): tf.Tensor => transform.update({ ...state, sdDiag }, data)[0].sdDiag;
    const program = makeProgram(step)(state.sdDiag, batch);
    expect(largest(simplify(program))).toBeLessThanOrEqual(2 ** 22);
    expect(largest(simplify(program))).toBeGreaterThanOrEqual(weights.size);
  }
});

test.each(Object.entries({ diagFisher, diagGgn }))('draws of %s are reparameterised', (_, algorithm) => {
  const state = algorithm.init({ w: tf.tensor1d([1, -2]) }, { initSds: 0.5, seed: 0 });
  const total = (w: tf.Tensor, sd: tf.Tensor): tf.Tensor =>
    tf.sum(algorithm.sample({ ...state, params: { w }, sdDiag: { w: sd } }, { seed: 1, sampleShape: [3] }).w);
  const noise = algorithm.sample(
    { ...state, params: { w: tf.zeros([2]) }, sdDiag: { w: tf.ones([2]) } },
    { seed: 1, sampleShape: [3] },
  ).w;
  expect(grad((w: tf.Tensor) => total(w, state.sdDiag.w))(state.params.w)).toBeAllClose([3, 3]);
  expect(grad((sd: tf.Tensor) => total(state.params.w, sd))(state.sdDiag.w)).toBeAllClose(tf.sum(noise, 0));
});

test.each(Object.entries({ denseFisher, denseGgn }))('draws of %s are reparameterised', (_, algorithm) => {
  const cov = tf.tensor2d([[4, 1], [1, 3]]); // biome-ignore format: a matrix
  const state = algorithm.init({ w: tf.tensor1d([1, -2]) }, { initCov: cov, seed: 0 });
  const draw = (w: tf.Tensor, scale: tf.Tensor): tf.Tensor =>
    algorithm.sample({ ...state, params: { w }, cov: tf.mul(cov, scale) }, { seed: 1, sampleShape: [3] }).w;
  expect(grad((w: tf.Tensor) => tf.sum(draw(w, tf.scalar(1))))(state.params.w)).toBeAllClose([3, 3]);
  // A covariance s times as large makes draws √s times as far from the mean, with the derivative 1 / 2 at s = 1.
  const offset = tf.sum(draw(tf.zeros([2]), tf.scalar(1)));
  const slope = grad((scale: tf.Tensor) => tf.sum(draw(state.params.w, scale)))(tf.scalar(1));
  expect(slope).toBeAllClose(tf.div(offset, 2), { rtol: 1e-5 });
});
