// After one update from one state, cpu, wasm and the uncompiled run agree, at sizes of which few are multiples of a vector's four lanes.
import type { StateBase, Transform } from '@posteriors/transform';
import * as tf from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { ekf, laplace, optim, random, setBackend, sgmcmc, tree, vi, withAux } from '../src/index.ts';

interface Params {
  readonly [name: string]: tf.Tensor;
}
interface Batch {
  readonly x: tf.Tensor;
  readonly y: tf.Tensor;
}

/** A network of tanh units for three classes. */
const forward = (p: Params, { x }: Batch): [tf.Tensor, []] => {
  const hidden = tf.tanh(tf.add(tf.matMul(x as tf.Tensor2D, p['w1'] as tf.Tensor2D), p['b1'] as tf.Tensor));
  return withAux(tf.add(tf.matMul(hidden as tf.Tensor2D, p['w2'] as tf.Tensor2D), p['b2'] as tf.Tensor), []);
};
const outer = (z: tf.Tensor, { y }: Batch): tf.Tensor => tf.neg(tf.losses.softmaxCrossEntropy(y, z));
const logPosterior = (p: Params, batch: Batch): [tf.Tensor, []] => {
  const prior = tf.addN(Object.values(p).map((leaf) => tf.sum(tf.square(leaf))));
  return withAux(tf.sub(outer(forward(p, batch)[0], batch), tf.mul(0.005, prior)), []);
};
const perExample = (p: Params, batch: Batch): [tf.Tensor, []] =>
  withAux(tf.sum(tf.mul(batch.y, tf.logSoftmax(forward(p, batch)[0])), 1), []);

const rate = { learningRate: 0.01 };
const hyper = { ...rate, temperature: 0.1 };
const adam = optim.adam(rate);
const algorithms = {
  'sgmcmc.sgld': sgmcmc.sgld.build(logPosterior, hyper),
  'sgmcmc.sghmc': sgmcmc.sghmc.build(logPosterior, hyper),
  'sgmcmc.sgnht': sgmcmc.sgnht.build(logPosterior, hyper),
  'sgmcmc.baoa': sgmcmc.baoa.build(logPosterior, hyper),
  'sgmcmc.sglrw': sgmcmc.sglrw.build(logPosterior, hyper),
  'vi.diag': vi.diag.build(logPosterior, adam, { temperature: 0.1, initLogSds: -1 }),
  'vi.dense': vi.dense.build(logPosterior, adam, { temperature: 0.1, initL: 0.3 }),
  'laplace.diagFisher': laplace.diagFisher.build(logPosterior),
  'laplace.diagFisher, perSample': laplace.diagFisher.build(perExample, { perSample: true }),
  'laplace.denseFisher': laplace.denseFisher.build(logPosterior),
  'laplace.diagGgn': laplace.diagGgn.build(forward, outer),
  'laplace.denseGgn': laplace.denseGgn.build(forward, outer),
  'laplace.denseHessian': laplace.denseHessian.build(logPosterior),
  'ekf.diagFisher': ekf.diagFisher.build(logPosterior, rate),
  'ekf.diagFisher, perSample': ekf.diagFisher.build(perExample, { ...rate, perSample: true }),
  'ekf.denseFisher': ekf.denseFisher.build(logPosterior, rate),
  'ekf.diagGgn': ekf.diagGgn.build(forward, outer, rate),
  'ekf.denseGgn': ekf.denseGgn.build(forward, outer, rate),
  optim: optim.build(logPosterior, optim.adam({ ...rate, maximize: true })),
} as unknown as { readonly [name: string]: Transform<Params, StateBase, Batch, []> };

type Values = { readonly [path: string]: Float32Array };

async function oneUpdate(
  device: 'cpu' | 'wasm',
  transform: Transform<Params, StateBase, Batch, []>,
  [inputs, hidden, examples]: readonly [number, number, number],
  compile: boolean,
): Promise<Values> {
  await setBackend(device);
  const shapes = { w1: [inputs, hidden], b1: [hidden], w2: [hidden, 3], b2: [3] };
  const params = Object.fromEntries(
    Object.entries(shapes).map(([name, shape], i) => [name, tf.mul(0.3, random.normal(random.key(i), shape))]),
  );
  const classes = tf.tensor1d(Array.from({ length: examples }, (_, i) => (i * i) % 3), 'int32'); // biome-ignore format: one formula
  const batch = { x: random.normal(random.key(9), [examples, inputs]), y: tf.cast(tf.oneHot(classes, 3), 'float32') };
  const [state] = transform.update(transform.init(params, { seed: 1 }), batch, { compile });
  const { key: _, step: __, ...rest } = state;
  const tensors = rest as tree.TensorTree;
  const leaves = tree.leaves(tensors) as tf.Tensor[];
  return Object.fromEntries(tree.paths(tensors).map((path, i) => [path, leaves[i]!.dataSync() as Float32Array]));
}

function expectAgreement(given: Values, wanted: Values): void {
  expect(Object.keys(given)).toEqual(Object.keys(wanted));
  for (const [path, values] of Object.entries(wanted)) {
    const largest = values.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
    const worst = values.reduce((max, value, i) => Math.max(max, Math.abs(value - given[path]![i]!)), 0);
    expect(worst, `${path}, of which the largest element is ${largest}`).toBeLessThanOrEqual(1e-5 * largest);
  }
}

const sizes = [
  [5, 7, 9],
  [1, 1, 1],
  [13, 6, 33],
] as const;

test.each(
  Object.entries(algorithms).flatMap(([name, transform]) => sizes.map((size) => [name, size, transform] as const)),
)('%s on a network and batch of %j', async (_, size, transform) => {
  const wanted = await oneUpdate('cpu', transform, size, false);
  expectAgreement(await oneUpdate('cpu', transform, size, true), wanted);
  expectAgreement(await oneUpdate('wasm', transform, size, true), wanted);
  expectAgreement(await oneUpdate('wasm', transform, size, false), wanted);
});
