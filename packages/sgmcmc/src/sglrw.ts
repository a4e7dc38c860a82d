/** Stochastic gradient lattice random walk (https://arxiv.org/abs/2602.15925). */

import type { Disposer } from '@posteriors/autodiff';
import { bernoulli, type Key, split } from '@posteriors/random';
import {
  checkConstants,
  checkHyper,
  type HyperCheck,
  type InitOptions,
  initState,
  type LogProbFn,
  notYet,
  type Transform,
  type UpdateOptions,
} from '@posteriors/transform';
import { flatten, map, type TensorTree, unflatten } from '@posteriors/tree';
import {
  add,
  clipByValue,
  div,
  isNaN as isNotANumber,
  mul,
  neg,
  sqrt,
  type Tensor,
  where,
} from '@tensorflow/tfjs-core';
import { checkConfig, type LangevinHyper } from './internal/hyper.ts';
import { type Position, sampler } from './internal/sampler.ts';

/** Numbers, schedules or scalar tensors. Neither may be 0 here, where the walk would stand still. */
export interface Hyper extends LangevinHyper {}

const defaults = { temperature: 1 } satisfies Partial<Hyper>;

const moving: HyperCheck = {
  test: (value) => value > 0,
  must: 'positive, as the steps of the walk have the length √(2 temperature learningRate); sgld and baoa take a 0',
};
const checks = { learningRate: moving, temperature: moving } satisfies { readonly [K in keyof Hyper]: HyperCheck };

/**
 * A sampler of `exp(log p(θ) / T)`, which moves each element by a step of one length, up or down:
 *
 *     δ = √(2 T ε)
 *     p₊ = (1 + clip(ε ∇log p(θ) / δ, -1, 1)) / 2
 *     θ ← θ + δ with probability p₊, else θ - δ
 *
 * The log posterior in the state and aux are of the old parameters.
 */
export function build<P extends TensorTree, B, A>(
  logPosterior: LogProbFn<P, B, A>,
  config: Hyper,
): Transform<P, State<P>, B, A, Hyper> {
  checkConfig('sgmcmc.sglrw.build', config, defaults);
  checkConstants<Hyper>('sgmcmc.sglrw.build', { ...defaults, ...config }, checks);
  return {
    init,
    update: (state, batch, options) => update(state, batch, logPosterior, config, options),
  };
}

export interface State<P> extends Disposer {
  readonly params: P;
  /** Log posterior of the parameters before the last update, a scalar; NaN before the first. */
  readonly logPosterior: Tensor;
  readonly key: Key;
  /** Updates so far. */
  readonly step: number;
}

/** The first state. It owns its tensors; those given stay the caller's. */
export function init<P extends TensorTree>(params: P, options: InitOptions = {}): State<P> {
  return initState('sgmcmc.sglrw.init', params, options, () => ({ logPosterior: notYet() }));
}

/**
 * One step of {@link build}'s update, with the log posterior and the hyper-parameters given at each call. Those in `options.hyper` replace
 * those in `hyper`.
 *
 * @returns the next state (the same one, changed, with `inplace`) and the aux of the log posterior.
 * @throws if the log posterior is not a scalar with aux, or the learning rate or the temperature is 0; where it is a tensor, whose
 *   value is not read, the parameters stay where they are.
 */
export function update<P extends TensorTree, B, A>(
  state: State<P>,
  batch: B,
  logPosterior: LogProbFn<P, B, A>,
  hyper: Hyper,
  options?: UpdateOptions<Hyper>,
): [state: State<P>, aux: A] {
  return step(state, batch, logPosterior, hyper, options);
}

const step = sampler<Position, Hyper>(
  'sgmcmc.sglrw.update',
  defaults,
  ({ params }, gradient, { learningRate: epsilon, temperature }, noise) => {
    const delta = sqrt(mul(2, mul(temperature, epsilon)));
    const up = (g: Tensor): Tensor => mul(0.5, add(1, clipByValue(div(mul(epsilon, g), delta), -1, 1)));
    const { leaves, structure } = flatten<TensorTree>(params);
    const keys = unflatten(structure, split(noise, leaves.length)) as TensorTree;
    // A gradient that is NaN would always lead down: it is handed on instead.
    const jump = (g: Tensor, key: Tensor): Tensor =>
      where(isNotANumber(g), g, where(bernoulli(key, up(g)), delta, neg(delta)));
    return {
      params: map((theta: Tensor, g: Tensor, key: Tensor) => add(theta, jump(g, key)), params, gradient, keys),
    };
  },
  (values) => checkHyper<Required<Hyper>>('sgmcmc.sglrw.update', values, checks),
);
