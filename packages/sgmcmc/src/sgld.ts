/** Stochastic gradient Langevin dynamics (Welling and Teh 2011, https://www.stats.ox.ac.uk/~teh/research/compstats/WelTeh2011a.pdf, equation 4). */

import type { Disposer } from '@posteriors/autodiff';
import { normalLike } from '@posteriors/distributions';
import type { Key } from '@posteriors/random';
import {
  type InitOptions,
  initState,
  type LogProbFn,
  notYet,
  type Transform,
  type UpdateOptions,
} from '@posteriors/transform';
import { map, type TensorTree } from '@posteriors/tree';
import { add, mul, type Tensor } from '@tensorflow/tfjs-core';
import { noiseSd } from './internal/euler.ts';
import { checkConfig, type GradientNoise, type LangevinHyper } from './internal/hyper.ts';
import { type Position, sampler } from './internal/sampler.ts';

/** Numbers, schedules or scalar tensors. */
export interface Hyper extends LangevinHyper, GradientNoise {}

const defaults = { beta: 0, temperature: 1 } satisfies Partial<Hyper>;

/**
 * A sampler of `exp(log p(θ) / T)`, without momenta:
 *
 *     θ ← θ + ε ∇log p(θ) + √(T ε (2 - T ε β)) ξ,   ξ ~ N(0, I)
 *
 * The learning rate ε is half of the paper's. The log posterior in the state and aux are of the old parameters.
 *
 * Other than in posteriors 0.1.2, a negative noise variance throws, where there the parameters become complex.
 */
export function build<P extends TensorTree, B, A>(
  logPosterior: LogProbFn<P, B, A>,
  config: Hyper,
): Transform<P, State<P>, B, A, Hyper> {
  checkConfig('sgmcmc.sgld.build', config, defaults);
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
  return initState('sgmcmc.sgld.init', params, options, () => ({ logPosterior: notYet() }));
}

/**
 * One step of {@link build}'s update, with the log posterior and the hyper-parameters given at each call. Those in `options.hyper` replace
 * those in `hyper`.
 *
 * @returns the next state (the same one, changed, with `inplace`) and the aux of the log posterior.
 * @throws if the log posterior is not a scalar with aux, or the noise variance T ε (2 - T ε β) is negative and T, ε and β are all numbers;
 *   where one of them is a tensor, whose value is not read, the new parameters would be NaN, which throws.
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

const step = sampler<Position, Hyper>('sgmcmc.sgld.update', defaults, ({ params }, gradient, hyper, noise) => {
  const { learningRate: epsilon, beta, temperature } = hyper;
  const sd = noiseSd(mul(temperature, epsilon), 2, beta);
  return {
    params: map(
      (theta: Tensor, g: Tensor, xi: Tensor) => add(add(theta, mul(epsilon, g)), mul(sd, xi)),
      params,
      gradient,
      normalLike(noise, params),
    ),
  };
});
