/**
 * The stochastic gradient Nosé-Hoover thermostat (Ding et al. 2014,
 * https://proceedings.neurips.cc/paper/2014/hash/21fe5b8ba755eeaece7a450849876228-Abstract.html, algorithm 2).
 */

import type { Disposer } from '@posteriors/autodiff';
import type { Key } from '@posteriors/random';
import { atStep, checkHyper, type LogProbFn, type Transform, type UpdateOptions } from '@posteriors/transform';
import { leaves, size, type TensorTree } from '@posteriors/tree';
import { add, clone, div, mul, pow, scalar, square, sub, sum, type Tensor } from '@tensorflow/tfjs-core';
import { eulerStep, type Moving } from './internal/euler.ts';
import { checkConfig, type GradientNoise, type MomentumHyper } from './internal/hyper.ts';
import { initWithMomenta, type MomentaOptions } from './internal/momenta.ts';
import { sampler } from './internal/sampler.ts';

/** Numbers, schedules or scalar tensors. alpha is the friction that the noise is made for; the friction that acts is the thermostat. */
export interface Hyper extends MomentumHyper, GradientNoise {}

const defaults = { alpha: 0.01, beta: 0, sigma: 1, temperature: 1 } satisfies Partial<Hyper>;

export interface Config<P> extends Hyper {
  /** Initial momenta: a tree like the parameters, or a number or a scalar tensor for all. Default: drawn from N(0, sigma² T), their stationary law. */
  readonly momenta?: P | number | Tensor;
  /** Initial thermostat xi, a number or a scalar tensor. Default alpha, its mean without gradient noise. */
  readonly xi?: number | Tensor;
}

/**
 * A sampler of `exp((log p(θ) - |m|² / 2σ² - d (ξ - α)² / 2σ²) / T)`, with momenta m, d parameters θ and one thermostat ξ for all of them:
 *
 *     θ ← θ + ε σ⁻² m
 *     m ← m + ε ∇log p(θ) - ε σ⁻² ξ m + √(T ε (2α - T ε β)) z,   z ~ N(0, I)
 *     ξ ← ξ + ε (σ⁻² |m|² / d - T)
 *
 * where all right-hand sides are of the old state. The thermostat takes the friction to where `σ⁻² |m|² / d` is T on average, and so makes up
 * for gradient noise that `beta` does not know of. The log posterior in the state and aux are of the old parameters.
 *
 * Other than in posteriors 0.1.2, initial momenta are drawn from N(0, sigma² T), there from N(0, 1); an `xi` of 0 is kept, where there alpha
 * takes its place; and a negative noise variance throws, where there the momenta become complex.
 */
export function build<P extends TensorTree, B, A>(
  logPosterior: LogProbFn<P, B, A>,
  config: Config<NoInfer<P>>,
): Transform<P, State<P>, B, A, Hyper> {
  checkConfig('sgmcmc.sgnht.build', config, defaults, ['momenta', 'xi']);
  const { momenta, xi, ...hyper } = config;
  return {
    init(params, options) {
      const { alpha, sigma, temperature } = atStep({ ...defaults, ...hyper }, 0);
      return init(params, { momenta, xi: xi ?? alpha, sigma, temperature, ...options });
    },
    update: (state, batch, options) => update(state, batch, logPosterior, hyper, options),
  };
}

export interface State<P> extends Disposer {
  readonly params: P;
  /** Like the parameters. */
  readonly momenta: P;
  /** The thermostat, a scalar. */
  readonly xi: Tensor;
  /** Log posterior of the parameters before the last update, a scalar; NaN before the first. */
  readonly logPosterior: Tensor;
  readonly key: Key;
  /** Updates so far. */
  readonly step: number;
}

/**
 * The first state. It owns its tensors; those given stay the caller's. Warns of given momenta that are far hotter than the temperature.
 *
 * @param options.xi the thermostat, a finite number or a scalar tensor. Default 0.01, the default of alpha.
 */
export function init<P extends TensorTree>(
  params: P,
  { xi = defaults.alpha, ...options }: MomentaOptions<NoInfer<P>> & { readonly xi?: number | Tensor } = {},
): State<P> {
  const name = 'sgmcmc.sgnht.init';
  checkHyper<{ readonly xi: Tensor }>(name, { xi }, { xi: { test: Number.isFinite, must: 'a finite number' } });
  return initWithMomenta(name, params, options, () => ({ xi: typeof xi === 'number' ? scalar(xi) : clone(xi) }));
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

interface Tensors extends Moving {
  readonly xi: Tensor;
}

const step = sampler<Tensors, Hyper>('sgmcmc.sgnht.update', defaults, (tensors, gradient, hyper, noise) => {
  const { learningRate: epsilon, sigma, temperature } = hyper;
  const { momenta, xi } = tensors;
  const squares = leaves(momenta).map((m) => sum(square(m)));
  const meanSquare = div(
    squares.reduce((total, part) => add(total, part)),
    size(momenta),
  );
  return {
    ...eulerStep(tensors, gradient, hyper, xi, noise),
    xi: add(xi, mul(epsilon, sub(mul(pow(sigma, -2), meanSquare), temperature))),
  };
});
