/** The extended Kalman filter with a full covariance and the Gauss-Newton curvature (Ollivier 2018, https://arxiv.org/abs/1703.00209). */

import { ggn, valueAndGrad } from '@posteriors/autodiff';
import type { SampleOptions } from '@posteriors/distributions';
import {
  checkedForward,
  checkedOuter,
  type ForwardFn,
  type InitOptions,
  type OuterLogProbFn,
  type Scalars,
  type Stepper,
  stepCache,
  stepper,
  type Transform,
  type UpdateOptions,
} from '@posteriors/transform';
import { ravel, type TensorTree } from '@posteriors/tree';
import { matMul, neg, type Tensor } from '@tensorflow/tfjs-core';
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
import { logLikelihoodOf } from './internal/outer.ts';
import { remedyOfCurvature } from './internal/remedy.ts';

export type { Hyper, State } from './internal/dense.ts';

export interface Config extends Hyper, Initial {}

/**
 * Follows parameters with a normal distribution N(μ, Σ) from batch to batch. With the outputs z = f(μ) of a model, their Jacobian J, and the log
 * likelihood ℓ(z) of the batch:
 *
 *     Σ ← Σ + transitionCov
 *     Σ ← (Σ⁻¹ + ε Jᵀ (-∇²ℓ(z)) J)⁻¹
 *     μ ← μ + ε Σ Jᵀ ∇ℓ(z)
 *
 * The log likelihood of the batch is the sum over its examples for `learningRate: 1`; where ℓ is their mean, a learning rate of the number of
 * examples does the same. Then this is the Kalman filter, exact, where z is linear in the parameters and ℓ a normal log density: recursive
 * least squares without transition noise. ℓ must be concave in z, as those of normal, Bernoulli, categorical and Poisson outputs by their
 * natural parameters are. The log likelihood in the state and aux are of the mean before the update.
 *
 * A batch is what both functions look at: `forward` may take `{ x }` and `outerLogLikelihood` `{ y }` of it.
 *
 * @param forward `(params, batch) => [z, aux]`, z of any shape.
 * @param outerLogLikelihood `(z, batch) => ℓ`, a scalar.
 */
export function build<P extends TensorTree, F, A, O = F>(
  forward: ForwardFn<P, F, A>,
  outerLogLikelihood: OuterLogProbFn<O>,
  config: Config,
): Transform<P, State<P>, F & O, A, Hyper> {
  checkConfig('ekf.denseGgn.build', config, ['initCov']);
  const { initCov, ...hyper } = config;
  return {
    init: (params, options) => init(params, { ...(initCov === undefined ? {} : { initCov }), ...options }),
    update: (state, batch, options) => update(state, batch, forward, outerLogLikelihood, hyper, options),
  };
}

/**
 * The first state, with mean `params`. It owns its tensors; those given stay the caller's. `initCov` as in {@link Config}.
 *
 * @throws if `initCov` does not fit the parameters, and, on cpu and wasm, if it is not symmetric and positive definite.
 */
export function init<P extends TensorTree>(params: P, options: InitOptions & Initial = {}): State<P> {
  return initDense('ekf.denseGgn.init', params, options);
}

/**
 * One step of {@link build}'s update, with everything given at each call. Hyper-parameters in `options.hyper` replace the others.
 *
 * @returns the next state (the same one, changed, with `inplace`) and the aux of `forward`.
 * @throws if the learning rate is a negative number, or the transition covariance is one, does not fit the parameters, or is not
 *   symmetric; on cpu and wasm, if the covariance with it is not positive definite, or becomes so by an outer log likelihood that is not
 *   concave. The state is as it was then.
 */
export function update<P extends TensorTree, B, A>(
  state: State<P>,
  batch: B,
  forward: ForwardFn<P, B, A>,
  outerLogLikelihood: OuterLogProbFn<NoInfer<B>>,
  hyper: Hyper,
  options?: UpdateOptions<Hyper>,
): [state: State<P>, aux: A] {
  const at = (step: number): object => hyperAt(name, state.params, { ...hyper, ...options?.hyper }, step);
  return stepOf(forward, outerLogLikelihood)(state, batch, at, options);
}

/** `sampleShape` draws: a tree like the parameters, each leaf with `sampleShape` in front. By default one draw and no new axis. */
export function sample<P extends TensorTree>(
  state: Pick<State<P>, 'params' | 'cov'>,
  options: InitOptions & SampleOptions = {},
): P {
  return sampleDense('ekf.denseGgn.sample', state, options);
}

const name = 'ekf.denseGgn.update';
const steps = stepCache();

function stepOf<P extends TensorTree, B, A>(
  forward: ForwardFn<P, B, A>,
  outerLogLikelihood: OuterLogProbFn<B>,
): Stepper<Tensors<P>, B, A> {
  return steps([forward, outerLogLikelihood], '', () => {
    const model = checkedForward(name, forward);
    const outer = checkedOuter(name, outerLogLikelihood);
    const valueAndGradient = valueAndGrad(logLikelihoodOf(model, outer), { hasAux: true });
    return stepper<Tensors<P>, B, Scalars<Hyper>, A>(
      name,
      (tensors, batch, hyper, context) => {
        const [[value, aux], gradient] = valueAndGradient(tensors.params, batch, context);
        const curvature = ggn(
          (params: P, data: B) => model(params, data, context)[0],
          (z: Tensor) => neg(outer(z, batch)),
        );
        const l = predicted(tensors, hyper);
        const inner = matMul(l, matMul(curvature(tensors.params, batch), l), true) as Tensor;
        const at = { params: tensors.params, logLikelihood: value };
        return [filtered(at, l, ravel(gradient).flat, inner, hyper, remedyOfCurvature), aux];
      },
      { value: 'logLikelihood', remedy: remedyOfCurvature, hyper: hyperNames },
    );
  });
}
