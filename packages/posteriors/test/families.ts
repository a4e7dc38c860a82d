// Every algorithm on one small network, for tests of what all of them share.
import type { StateBase, Transform } from '@posteriors/transform';
import * as tf from '@tensorflow/tfjs-core';
import { ekf, laplace, optim, random, sgmcmc, tree, vi, withAux } from '../src/index.ts';

export type Params = { readonly [name in 'w1' | 'b1' | 'w2' | 'b2']: tf.Tensor };
export interface Batch {
  readonly x: tf.Tensor;
  readonly y: tf.Tensor;
}
export interface State extends StateBase {
  readonly params: Params;
  dispose(): void;
}
export type Aux = readonly [] | { readonly residuals: tf.Tensor };

const forward = (p: Params, { x }: Batch): [tf.Tensor, []] => {
  const hidden = tf.tanh(tf.add(tf.matMul(x, p.w1), p.b1));
  return withAux(tf.add(tf.matMul(hidden, p.w2), p.b2), []);
};
const outer = (z: tf.Tensor, { y }: Batch): tf.Tensor => tf.mul(-0.5, tf.mean(tf.square(tf.sub(y, z))));
const logPosterior = (p: Params, batch: Batch): [tf.Tensor, { residuals: tf.Tensor }] => {
  const [z] = forward(p, batch);
  const prior = tf.addN(Object.values(p).map((leaf) => tf.sum(tf.square(leaf))));
  return withAux(tf.sub(outer(z, batch), tf.mul(0.005, prior)), { residuals: tf.sub(batch.y, z) });
};

const schedule = { learningRate: (step: number) => 0.01 / (1 + step), temperature: 0.1 };
const hyper = { learningRate: 0.01, temperature: 0.1 };
const rate = { learningRate: 0.01 };

/** Schedules and numbers, optimisers that count steps and that do not. */
export const families: { readonly [name: string]: Transform<Params, State, Batch, Aux> } = {
  'sgmcmc.sgld': sgmcmc.sgld.build(logPosterior, schedule),
  'sgmcmc.sghmc': sgmcmc.sghmc.build(logPosterior, hyper),
  'sgmcmc.sgnht': sgmcmc.sgnht.build(logPosterior, hyper),
  'sgmcmc.baoa': sgmcmc.baoa.build(logPosterior, schedule),
  'sgmcmc.sglrw': sgmcmc.sglrw.build(logPosterior, hyper),
  'vi.diag': vi.diag.build(logPosterior, optim.adam({ learningRate: schedule.learningRate }), { temperature: 0.1, initLogSds: -1 }), // biome-ignore format: one line
  'vi.dense': vi.dense.build(logPosterior, optim.sgd(rate), { temperature: 0.1, initL: 0.3 }),
  'laplace.diagFisher': laplace.diagFisher.build(logPosterior),
  'laplace.denseGgn': laplace.denseGgn.build(forward, outer),
  'laplace.denseHessian': laplace.denseHessian.build(logPosterior),
  'ekf.diagFisher': ekf.diagFisher.build(logPosterior, { learningRate: schedule.learningRate }),
  'ekf.denseGgn': ekf.denseGgn.build(forward, outer, rate),
  optim: optim.build(logPosterior, optim.adam({ ...rate, maximize: true })),
} as unknown as { readonly [name: string]: Transform<Params, State, Batch, Aux> };

const draw = (seed: number, shape: number[]): tf.Tensor => tf.mul(0.5, random.normal(random.key(seed), shape));

export const makeParams = (seed: number): Params => ({
  w1: draw(4 * seed, [2, 3]),
  b1: draw(4 * seed + 1, [3]),
  w2: draw(4 * seed + 2, [3, 1]),
  b2: draw(4 * seed + 3, [1]),
});

export const makeBatches = (count: number): Batch[] =>
  Array.from({ length: count }, (_, i) => ({ x: draw(100 + i, [5, 2]), y: draw(200 + i, [5, 1]) }));

export type Values = { readonly [path: string]: Float32Array };

/** The numbers of the tensors of a state or of what was collected, but for its key. */
export async function valuesOf(given: object): Promise<Values> {
  const { key: _, step: __, ...tensors } = given as StateBase;
  const leaves = tree.leaves(tensors as tree.TensorTree) as tf.Tensor[];
  const values = await Promise.all(leaves.map((leaf) => leaf.data<'float32'>()));
  return Object.fromEntries(tree.paths(tensors).map((path, i) => [path, values[i] as Float32Array]));
}

/** The largest difference of two states, leaf by leaf relative to the largest element. */
export function differenceOf(given: Values, wanted: Values): number {
  if (`${Object.keys(given)}` !== `${Object.keys(wanted)}`) return Number.NaN;
  return Math.max(
    ...Object.entries(wanted).map(([path, values]) => {
      const scale = values.reduce((max, value) => Math.max(max, Math.abs(value)), 1e-3);
      return values.reduce((max, value, i) => Math.max(max, Math.abs(value - given[path]![i]!)), 0) / scale;
    }),
  );
}
