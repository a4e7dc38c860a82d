/** The extended Kalman filter with a full covariance and the empirical Fisher (Ollivier 2018, https://arxiv.org/abs/1703.00209). */

import type { SampleOptions } from '@posteriors/distributions';
import {
  type InitOptions,
  type LogProbFn,
  type PerSampleOption,
  perSampleProducts,
  type Scalars,
  type Stepper,
  stepCache,
  stepper,
  type Transform,
  type UpdateOptions,
} from '@posteriors/transform';
import type { TensorTree } from '@posteriors/tree';
import { div, mean, type Tensor } from '@tensorflow/tfjs-core';
import {
  checkConfig,
  filtered,
  type Hyper,
  hyperAt,
  hyperNames,
  type Initial,
  initDense,
  predicted,
  type State,
  sampleDense,
  type Tensors,
} from './internal/dense.ts';
import { remedyOfGradients } from './internal/remedy.ts';

export type { Hyper, State } from './internal/dense.ts';

export interface Config extends Hyper, PerSampleOption, Initial {}

/**
 * Follows parameters with a normal distribution N(μ, Σ) from batch to batch of B examples with log likelihoods ℓᵢ(θ) and gradients
 * gᵢ = ∇ℓᵢ(μ):
 *
 *     Σ ← Σ + transitionCov
 *     Σ ← (Σ⁻¹ + ε mean gᵢ gᵢᵀ)⁻¹
 *     μ ← μ + ε Σ mean gᵢ
 *
 * The curvature mean gᵢ gᵢᵀ is the empirical Fisher, which has squared residuals in it and is not the curvature of the log likelihood: where
 * the residuals are larger than the likelihood says, the covariance comes out too small, and where they are smaller, too large.
 * {@link build} of `denseGgn` takes the curvature itself. The log likelihood in the state and aux are of the mean before the update.
 *
 * In the Python library posteriors the covariance grows with data, by Σ⁻¹ - ε F, and a scalar transition covariance is added to every element;
 * here it shrinks, and a scalar goes to the diagonal.
 *
 * @param logLikelihood `(params, batch) => [value, aux]`. By default the value is a scalar, the function is called on batches of one, and aux
 *   gains an axis 0 for the examples; with `perSample: true` it is a vector with one value for each example.
 */
export function build<P extends TensorTree, B, A>(
  logLikelihood: LogProbFn<P, B, A>,
  config: Config,
): Transform<P, State<P>, B, A, Hyper> {
  checkConfig('ekf.denseFisher.build', config, ['perSample', 'initCov']);
  const { initCov, ...settings } = config;
  return {
    init: (params, options) => init(params, { ...(initCov === undefined ? {} : { initCov }), ...options }),
    update: (state, batch, options) => update(state, batch, logLikelihood, settings, options),
  };
}

/**
 * The first state, with mean `params`. It owns its tensors; those given stay the caller's. `initCov` as in {@link Config}.
 *
 * @throws if `initCov` does not fit the parameters, and, on cpu and wasm, if it is not symmetric and positive definite.
 */
export function init<P extends TensorTree>(params: P, options: InitOptions & Initial = {}): State<P> {
  return initDense('ekf.denseFisher.init', params, options);
}

/**
 * One step of {@link build}'s update, with everything given at each call. Hyper-parameters in `options.hyper` replace the others.
 *
 * @returns the next state (the same one, changed, with `inplace`) and the aux of the log likelihood.
 * @throws if the learning rate is a negative number, or the transition covariance is one, does not fit the parameters, or is not
 *   symmetric; on cpu and wasm, if the covariance with it is not positive definite. The state is as it was then.
 */
export function update<P extends TensorTree, B, A>(
  state: State<P>,
  batch: B,
  logLikelihood: LogProbFn<P, B, A>,
  { perSample = false, ...hyper }: Hyper & PerSampleOption,
  options?: UpdateOptions<Hyper>,
): [state: State<P>, aux: A] {
  const at = (step: number): object => hyperAt(name, state.params, { ...hyper, ...options?.hyper }, step);
  return stepOf(logLikelihood, perSample)(state, batch, at, options);
}

/** `sampleShape` draws: a tree like the parameters, each leaf with `sampleShape` in front. By default one draw and no new axis. */
export function sample<P extends TensorTree>(
  state: Pick<State<P>, 'params' | 'cov'>,
  options: InitOptions & SampleOptions = {},
): P {
  return sampleDense('ekf.denseFisher.sample', state, options);
}

const name = 'ekf.denseFisher.update';
const steps = stepCache();

function stepOf<P extends TensorTree, B, A>(
  logLikelihood: LogProbFn<P, B, A>,
  perSample: boolean,
): Stepper<Tensors<P>, B, A> {
  return steps([logLikelihood], `${perSample}`, () => {
    const productsOf = perSampleProducts(name, logLikelihood, perSample);
    return stepper<Tensors<P>, B, Scalars<Hyper>, A>(
      name,
      (tensors, batch, hyper, context) => {
        const l = predicted(tensors, hyper);
        const { values, aux, gradient, products } = productsOf(tensors.params, batch, context, l);
        const [average, fisher] = [div(gradient, values.size), div(products, values.size)];
        const at = { params: tensors.params, logLikelihood: mean<Tensor>(values) };
        return [filtered(at, l, average, fisher, hyper, remedyOfGradients), aux];
      },
      { value: 'logLikelihood', remedy: remedyOfGradients, hyper: hyperNames },
    );
  });
}
