/** Stochastic gradient Hamiltonian Monte Carlo (Chen, Fox and Guestrin 2014, https://arxiv.org/abs/1402.4102, equation 15). */

import type { Disposer } from '@posteriors/autodiff';
import type { Key } from '@posteriors/random';
import { atStep, type LogProbFn, type Transform, type UpdateOptions } from '@posteriors/transform';
import type { TensorTree } from '@posteriors/tree';
import type { Tensor } from '@tensorflow/tfjs-core';
import { eulerStep, type Moving } from './internal/euler.ts';
import { checkConfig, type GradientNoise, type MomentumHyper } from './internal/hyper.ts';
import { initWithMomenta, type MomentaOptions } from './internal/momenta.ts';
import { sampler } from './internal/sampler.ts';

/** Numbers, schedules or scalar tensors. */
export interface Hyper extends MomentumHyper, GradientNoise {}

const defaults = { alpha: 0.01, beta: 0, sigma: 1, temperature: 1 } satisfies Partial<Hyper>;

export interface Config<P> extends Hyper {
  /** Initial momenta: a tree like the parameters, or a number or a scalar tensor for all. Default: drawn from N(0, sigma² T), their stationary law. */
  readonly momenta?: P | number | Tensor;
}

/**
 * A sampler of `exp((log p(θ) - |m|² / 2σ²) / T)`, with momenta m and parameters θ:
 *
 *     θ ← θ + ε σ⁻² m
 *     m ← m + ε ∇log p(θ) - ε σ⁻² α m + √(T ε (2α - T ε β)) ξ,   ξ ~ N(0, I)
 *
 * where all right-hand sides are of the old state (Euler-Maruyama). The log posterior in the state and aux are of the old parameters too.
 *
 * Other than in posteriors 0.1.2, initial momenta are drawn from N(0, sigma² T), there from N(0, 1), and a negative noise variance throws, where
 * there the momenta become complex.
 */
export function build<P extends TensorTree, B, A>(
  logPosterior: LogProbFn<P, B, A>,
  config: Config<NoInfer<P>>,
): Transform<P, State<P>, B, A, Hyper> {
  checkConfig('sgmcmc.sghmc.build', config, defaults, ['momenta']);
  const { momenta, ...hyper } = config;
  return {
    init(params, options) {
      const { sigma, temperature } = atStep({ ...defaults, ...hyper }, 0);
      return init(params, { momenta, sigma, temperature, ...options });
    },
    update: (state, batch, options) => update(state, batch, logPosterior, hyper, options),
  };
}

export interface State<P> extends Disposer {
  readonly params: P;
  /** Like the parameters. */
  readonly momenta: P;
  /** Log posterior of the parameters before the last update, a scalar; NaN before the first. */
  readonly logPosterior: Tensor;
  readonly key: Key;
  /** Updates so far. */
  readonly step: number;
}

/** The first state. It owns its tensors; those given stay the caller's. Warns of given momenta that are far hotter than the temperature. */
export function init<P extends TensorTree>(params: P, options: MomentaOptions<NoInfer<P>> = {}): State<P> {
  return initWithMomenta('sgmcmc.sghmc.init', params, options, () => ({}));
}

/**
 * One step of {@link build}'s update, with the log posterior and the hyper-parameters given at each call. Those in `options.hyper` replace
 * those in `hyper`.
 *
 * @returns the next state (the same one, changed, with `inplace`) and the aux of the log posterior.
 * @throws if the log posterior is not a scalar with aux, or the noise variance T ε (2α - T ε β) is negative and T, ε, α and β are all
 *   numbers; where one of them is a tensor, whose value is not read, the new momenta would be NaN, which throws.
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

const step = sampler<Moving, Hyper>('sgmcmc.sghmc.update', defaults, (tensors, gradient, hyper, noise) =>
  eulerStep(tensors, gradient, hyper, hyper.alpha, noise),
);
