// No two states share what an update in place changes: neither a default nor what init was given.
import '@posteriors/testing';
import type { StateBase, Transform } from '@posteriors/transform';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import { ekf, laplace, optim, setBackend, sgmcmc, tree, vi, withAux } from '../src/index.ts';

type Params = { readonly w: tf.Tensor };
type Batch = { readonly x: tf.Tensor; readonly y: tf.Tensor };

const forward = ({ w }: Params, { x }: Batch): [tf.Tensor, []] => withAux(tf.reshape(tf.matMul(x, w), [-1]), []);
const outer = (z: tf.Tensor, { y }: Batch): tf.Tensor => tf.mul(-0.5, tf.mean(tf.square(tf.sub(y, z))));
const logPosterior = (params: Params, batch: Batch): [tf.Tensor, []] =>
  withAux(tf.sub(outer(forward(params, batch)[0], batch), tf.mul(0.05, tf.sum(tf.square(params.w)))), []);

const adam = optim.adam({ learningRate: 0.1 });
const hyper = { learningRate: 0.1, temperature: 0.1 };
const rate = { learningRate: 0.1 };
const algorithms = {
  'sgmcmc.sgld': sgmcmc.sgld.build(logPosterior, hyper),
  'sgmcmc.sghmc': sgmcmc.sghmc.build(logPosterior, hyper),
  'sgmcmc.sgnht': sgmcmc.sgnht.build(logPosterior, hyper),
  'sgmcmc.baoa': sgmcmc.baoa.build(logPosterior, hyper),
  'sgmcmc.sglrw': sgmcmc.sglrw.build(logPosterior, hyper),
  'vi.diag': vi.diag.build(logPosterior, adam, { temperature: 0.1, initLogSds: -1 }),
  'vi.dense': vi.dense.build(logPosterior, adam, { temperature: 0.1, initL: 0.3 }),
  'laplace.diagFisher': laplace.diagFisher.build(logPosterior),
  'laplace.denseFisher': laplace.denseFisher.build(logPosterior),
  'laplace.diagGgn': laplace.diagGgn.build(forward, outer),
  'laplace.denseGgn': laplace.denseGgn.build(forward, outer),
  'laplace.denseHessian': laplace.denseHessian.build(logPosterior),
  'ekf.diagFisher': ekf.diagFisher.build(logPosterior, rate),
  'ekf.denseFisher': ekf.denseFisher.build(logPosterior, rate),
  'ekf.diagGgn': ekf.diagGgn.build(forward, outer, rate),
  'ekf.denseGgn': ekf.denseGgn.build(forward, outer, rate),
  optim: optim.build(logPosterior, optim.adam({ learningRate: 0.1, maximize: true })),
} as unknown as { readonly [name: string]: Transform<Params, StateBase, Batch, []> };

const read = (state: unknown): unknown =>
  tree.map((leaf: unknown) => (leaf instanceof tf.Tensor ? leaf.arraySync() : leaf), state);

describe.each(['cpu', 'wasm'] as const)('on %s', (device) => {
  test.each(Object.entries(algorithms))('%s', async (_, transform) => {
    await setBackend(device);
    const params: Params = { w: tf.tensor2d([[0.5], [-1]]) }; // biome-ignore format: a matrix
    const batch: Batch = { x: tf.tensor2d([[1, 2], [0.3, -1], [2, 0.1]]), y: tf.tensor1d([1, -1, 0.5]) }; // biome-ignore format: a matrix
    const [changed, bystander] = [transform.init(params, { seed: 0 }), transform.init(params, { seed: 0 })];
    const first = read(bystander);
    for (let i = 0; i < 2; i++) transform.update(changed, batch, { inplace: true });
    expect(read(changed)).not.toEqual(first);
    expect(read(bystander)).toEqual(first);
    expect(read(transform.init(params, { seed: 0 }))).toEqual(first);
    expect(read(params)).toEqual({ w: [[0.5], [-1]] }); // biome-ignore format: a matrix
    // Without inplace an update changes no state at all.
    transform.update(bystander, batch);
    expect(read(bystander)).toEqual(first);
  });
});
