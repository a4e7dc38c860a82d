import '@posteriors/backend/cpu';
import '@posteriors/backend/wasm';
import type { Disposer } from '@posteriors/autodiff';
import type { HyperParameter, LogProbFn, StateBase, Transform } from '@posteriors/transform';
import { type ConformanceOptions, conformance } from '@posteriors/transform/testing';
import type { TensorTree } from '@posteriors/tree';
import * as tf from '@tensorflow/tfjs-core';
import { test } from 'vitest';
import { badInput } from '../../transform/test/bad-input.ts';
import { denseFisher, denseGgn, diagFisher, diagGgn } from '../src/index.ts';

type State<P> = StateBase & Disposer & { readonly params: P };
type Build = <P extends TensorTree, B, A>(
  logProb: LogProbFn<P, B, A>,
  hyper?: { readonly [name: string]: HyperParameter },
) => Transform<P, State<P>, B, A>;

/** Of a log density that takes the place of the model's outputs: concave, as outer log likelihoods must be. */
const outer = (z: tf.Tensor): tf.Tensor => tf.mul(-0.25, tf.square(tf.sub(z, 1)));

/** The log density of a batch as a vector of one. What is no log density is passed on, to be refused. */
function asVector<P extends TensorTree, B, A>(logProb: LogProbFn<P, B, A>): LogProbFn<P, B, A> {
  return (params, batch, context) => {
    const result = logProb(params, batch, context);
    const [value, aux] = result;
    return value instanceof tf.Tensor && value.rank === 0 ? [tf.reshape(value, [1]), aux] : result;
  };
}

const learningRate = (step: number): number => 0.5 / (step + 1);
const diag = { learningRate, transitionSd: 0.1, initSds: 0.5 };
const dense = { learningRate, transitionCov: 0.01, initCov: 0.25 };
const diagHyper = { learningRate: 0.5, transitionSd: 0.1 };
const denseHyper = { learningRate: 0.5, transitionCov: 0.01 };

const filters: { readonly [name: string]: readonly [build: Build, hyper: { readonly [name: string]: number }] } = {
  diagFisher: [(logProb, hyper) => diagFisher.build(logProb, { ...diag, ...hyper }), diagHyper],
  'diagFisher, perSample': [
    (logProb, hyper) => diagFisher.build(asVector(logProb), { ...diag, ...hyper, perSample: true }),
    diagHyper,
  ],
  denseFisher: [(logProb, hyper) => denseFisher.build(logProb, { ...dense, ...hyper }), denseHyper],
  diagGgn: [(forward, hyper) => diagGgn.build(forward, outer, { ...diag, ...hyper }), diagHyper],
  denseGgn: [(forward, hyper) => denseGgn.build(forward, outer, { ...dense, ...hyper }), denseHyper],
};

for (const [name, [build, hyper]] of Object.entries(filters)) {
  const options: ConformanceOptions<State<TensorTree>> = {
    name: `ekf.${name}`,
    build,
    hyper,
    draws: 'never',
    devices: ['cpu', 'wasm'],
  };
  for (const { name: property, run } of conformance(options)) test(property, run);
  if (!name.includes('perSample')) badInput(`ekf.${name}`, (logProb) => build(logProb));
}
