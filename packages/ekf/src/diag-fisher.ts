/** The extended Kalman filter with a diagonal covariance and the empirical Fisher (Ollivier 2018, https://arxiv.org/abs/1703.00209). */

import type { SampleOptions } from '@posteriors/distributions';
import {
  type InitOptions,
  type LogProbFn,
  type PerSampleOption,
  perSampleSums,
  type Scalars,
  type Stepper,
  stepCache,
  stepper,
  type Transform,
  type UpdateOptions,
} from '@posteriors/transform';
import { map, type TensorTree } from '@posteriors/tree';
import { div, mean, type Tensor } from '@tensorflow/tfjs-core';
import {
  checkConfig,
  filtered,
  type Hyper,
  hyperAt,
  hyperNames,
  type Initial,
  initDiagonal,
  type State,
  sampleDiagonal,
  type Tensors,
} from './internal/diagonal.ts';
import { remedyOfGradients } from './internal/remedy.ts';

export type { Hyper, State } from './internal/diagonal.ts';

export interface Config<P> extends Hyper, PerSampleOption, Initial<P> {}

/**
 * Follows parameters with a normal distribution N(μ, diag(s²)) from batch to batch of B examples with log likelihoods ℓᵢ(θ) and gradients
 * gᵢ = ∇ℓᵢ(μ), taken element by element:
 *
 *     s² ← s² + transitionSd²
 *     s² ← 1 / (1 / s² + ε mean gᵢ²)
 *     μ ← μ + ε s² mean gᵢ
 *
 * The curvature is that of the empirical Fisher, mean gᵢ gᵢᵀ, which has squared residuals in it and is not the curvature of the log
 * likelihood: where the residuals are larger than the likelihood says, the standard deviations come out too small, and where they are
 * smaller, too large. {@link build} of `diagGgn` takes the curvature itself. The log likelihood in the state and aux are of the means before
 * the update.
 *
 * @param logLikelihood `(params, batch) => [value, aux]`. By default the value is a scalar, the function is called on batches of one, and aux
 *   gains an axis 0 for the examples; with `perSample: true` it is a vector with one value for each example.
 */
export function build<P extends TensorTree, B, A>(
  logLikelihood: LogProbFn<P, B, A>,
  config: Config<NoInfer<P>>,
): Transform<P, State<P>, B, A, Hyper> {
  checkConfig('ekf.diagFisher.build', config, ['perSample', 'initSds']);
  const { initSds, ...settings } = config;
  return {
    init: (params, options) => init(params, { ...(initSds === undefined ? {} : { initSds }), ...options }),
    update: (state, batch, options) => update(state, batch, logLikelihood, settings, options),
  };
}

/** The first state, with means `params`. It owns its tensors; those given stay the caller's. `initSds` as in {@link Config}. */
export function init<P extends TensorTree>(params: P, options: InitOptions & Initial<NoInfer<P>> = {}): State<P> {
  return initDiagonal('ekf.diagFisher.init', params, options);
}

/**
 * One step of {@link build}'s update, with everything given at each call. Hyper-parameters in `options.hyper` replace the others.
 *
 * @returns the next state (the same one, changed, with `inplace`) and the aux of the log likelihood.
 * @throws if the learning rate or the transition's noise is a negative number. The state is as it was then.
 */
export function update<P extends TensorTree, B, A>(
  state: State<P>,
  batch: B,
  logLikelihood: LogProbFn<P, B, A>,
  { perSample = false, ...hyper }: Hyper & PerSampleOption,
  options?: UpdateOptions<Hyper>,
): [state: State<P>, aux: A] {
  const at = (step: number): object => hyperAt(name, { ...hyper, ...options?.hyper }, step);
  return stepOf(logLikelihood, perSample)(state, batch, at, options);
}

/** `sampleShape` draws: a tree like the parameters, each leaf with `sampleShape` in front. By default one draw and no new axis. */
export function sample<P extends TensorTree>(
  state: Pick<State<P>, 'params' | 'sdDiag'>,
  options: InitOptions & SampleOptions = {},
): P {
  return sampleDiagonal('ekf.diagFisher.sample', state, options);
}

const name = 'ekf.diagFisher.update';
const steps = stepCache();

function stepOf<P extends TensorTree, B, A>(
  logLikelihood: LogProbFn<P, B, A>,
  perSample: boolean,
): Stepper<Tensors<P>, B, A> {
  return steps([logLikelihood], `${perSample}`, () => {
    const sumsOf = perSampleSums(name, logLikelihood, perSample);
    return stepper<Tensors<P>, B, Scalars<Hyper>, A>(
      name,
      (tensors, batch, hyper, context) => {
        const { values, aux, gradient, squares } = sumsOf(tensors.params, batch, context);
        const average = (sum: Tensor): Tensor => div(sum, values.size);
        const next = filtered(tensors, map(average, gradient), map(average, squares), hyper);
        return [{ ...next, logLikelihood: mean(values) }, aux];
      },
      { value: 'logLikelihood', remedy: remedyOfGradients, hyper: hyperNames },
    );
  });
}
