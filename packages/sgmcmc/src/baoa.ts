/** The BAOA splitting of Langevin dynamics (Leimkuhler and Matthews 2015, Molecular Dynamics, https://doi.org/10.1007/978-3-319-16375-8, p. 271). */

import type { Disposer } from '@posteriors/autodiff';
import { normalLike } from '@posteriors/distributions';
import type { Key } from '@posteriors/random';
import { atStep, type LogProbFn, type Transform, type UpdateOptions } from '@posteriors/transform';
import { map, type TensorTree } from '@posteriors/tree';
import { add, exp, expm1, mul, neg, pow, sqrt, type Tensor } from '@tensorflow/tfjs-core';
import type { Moving } from './internal/euler.ts';
import { checkConfig, type MomentumHyper } from './internal/hyper.ts';
import { initWithMomenta, type MomentaOptions } from './internal/momenta.ts';
import { sampler } from './internal/sampler.ts';

/** Numbers, schedules or scalar tensors. */
export interface Hyper extends MomentumHyper {}

const defaults = { alpha: 0.01, sigma: 1, temperature: 1 } satisfies Partial<Hyper>;

export interface Config<P> extends Hyper {
  /** Initial momenta: a tree like the parameters, or a number or a scalar tensor for all. Default: drawn from N(0, sigma² T), their stationary law. */
  readonly momenta?: P | number | Tensor;
}

/**
 * A sampler of `exp((log p(θ) - |m|² / 2σ²) / T)`, with momenta m and parameters θ:
 *
 *     m ← m + ε ∇log p(θ)
 *     θ ← θ + ε/2 σ⁻² m
 *     m ← exp(-ε γ) m + σ √(T (1 - exp(-2 ε γ))) ξ,   γ = α σ⁻², ξ ~ N(0, I)
 *     θ ← θ + ε/2 σ⁻² m
 *
 * each line from what the one before left. The parameters are those of BAOAB, with one gradient a step. The log posterior in the state and aux
 * are of the old parameters.
 *
 * Other than in posteriors 0.1.2, initial momenta are drawn from N(0, sigma² T), there from N(0, 1).
 */
export function build<P extends TensorTree, B, A>(
  logPosterior: LogProbFn<P, B, A>,
  config: Config<NoInfer<P>>,
): Transform<P, State<P>, B, A, Hyper> {
  checkConfig('sgmcmc.baoa.build', config, defaults, ['momenta']);
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
  return initWithMomenta('sgmcmc.baoa.init', params, options, () => ({}));
}

/**
 * One step of {@link build}'s update, with the log posterior and the hyper-parameters given at each call. Those in `options.hyper` replace
 * those in `hyper`.
 *
 * @returns the next state (the same one, changed, with `inplace`) and the aux of the log posterior.
 * @throws if the log posterior is not a scalar with aux.
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

const step = sampler<Moving, Hyper>('sgmcmc.baoa.update', defaults, ({ params, momenta }, gradient, hyper, noise) => {
  const { learningRate: epsilon, alpha, sigma, temperature } = hyper;
  const precision = pow(sigma, -2);
  const decay = neg(mul(epsilon, mul(alpha, precision)));
  const kept = exp(decay);
  const noiseSd = mul(sigma, sqrt(neg(mul(temperature, expm1(mul(2, decay))))));
  const halfDrift = mul(mul(0.5, epsilon), precision);
  const move = (theta: Tensor, m: Tensor): Tensor => add(theta, mul(halfDrift, m));

  const pushed = map((m: Tensor, g: Tensor) => add(m, mul(epsilon, g)), momenta, gradient);
  const halfway = map(move, params, pushed);
  const next = map((m: Tensor, xi: Tensor) => add(mul(kept, m), mul(noiseSd, xi)), pushed, normalLike(noise, momenta));
  return { params: map(move, halfway, next), momenta: next };
});
