// What every algorithm must do, and refuse.
import '@posteriors/backend/cpu';
import '@posteriors/backend/wasm';
import type { Disposer } from '@posteriors/autodiff';
import type { LogProbFn, StateBase, Transform } from '@posteriors/transform';
import { type Aux, type Batch, type ConformanceOptions, conformance } from '@posteriors/transform/testing';
import type { TensorTree } from '@posteriors/tree';
import * as tf from '@tensorflow/tfjs-core';
import { test } from 'vitest';
import { badInput, type Params } from '../../transform/test/bad-input.ts';
import { denseFisher, denseGgn, denseHessian, diagFisher, diagGgn } from '../src/index.ts';

type State<P> = StateBase & Disposer & { readonly params: P };
type Build = <P extends TensorTree>(
  logProb: LogProbFn<P, Batch, Aux>,
  hyper?: denseHessian.Hyper,
) => Transform<P, State<P>, Batch, Aux>;

/** Of a log density that takes the place of the outputs of a model. */
const outer = (z: tf.Tensor): tf.Tensor => tf.mul(-0.5, tf.square(z));

const algorithms: { readonly [name: string]: Build } = {
  diagFisher: (logProb) => diagFisher.build(logProb, { initPrecDiag: 0.5 }),
  denseFisher: (logProb) => denseFisher.build(logProb, { initPrec: 0.5 }),
  diagGgn: (forward) => diagGgn.build(forward, outer, { initPrecDiag: 0.5 }),
  denseGgn: (forward) => denseGgn.build(forward, outer, { initPrec: 0.5 }),
  denseHessian: (logProb, hyper) => denseHessian.build(logProb, { initPrec: 0.5, ...hyper }),
};

for (const [name, build] of Object.entries(algorithms)) {
  const options: ConformanceOptions<State<TensorTree>> = {
    name: `laplace.${name}`,
    build,
    draws: 'never',
    devices: ['cpu', 'wasm'],
    ...(name === 'denseHessian' ? { hyper: { rescale: 0.5, epsilon: 0.1 } } : {}),
  };
  for (const { name: property, run } of conformance(options)) test(property, run);
  badInput(`laplace.${name}`, (logProb) => build<Params>(logProb), { watched: false });
}
