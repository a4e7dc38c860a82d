/** The extended Kalman filter with a diagonal covariance and the Gauss-Newton curvature (Ollivier 2018, https://arxiv.org/abs/1703.00209). */

import { diagGgn, valueAndGrad } from '@posteriors/autodiff';
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
import type { TensorTree } from '@posteriors/tree';
import { neg, type Tensor } from '@tensorflow/tfjs-core';
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
import { logLikelihoodOf } from './internal/outer.ts';
import { remedyOfCurvature } from './internal/remedy.ts';

export type { Hyper, State } from './internal/diagonal.ts';

export interface Config<P> extends Hyper, Initial<P> {}

/**
 * Follows parameters with a normal distribution N(μ, diag(s²)) from batch to batch. With the outputs z = f(μ) of a model, their Jacobian J, and
 * the log likelihood ℓ(z) of the batch:
 *
 *     s² ← s² + transitionSd²
 *     s² ← 1 / (1 / s² + ε diag(Jᵀ (-∇²ℓ(z)) J))
 *     μ ← μ + ε s² Jᵀ ∇ℓ(z)
 *
 * element by element. The log likelihood of the batch is the sum over its examples for `learningRate: 1`; where ℓ is their mean, a learning
 * rate of the number of examples does the same. ℓ must be concave in z, as those of normal, Bernoulli, categorical and Poisson outputs by
 * their natural parameters are, or a variance may come out negative, which throws. The log likelihood in the state and aux are of
 * the means before the update.
 *
 * A batch is what both functions look at: `forward` may take `{ x }` and `outerLogLikelihood` `{ y }` of it.
 *
 * @param forward `(params, batch) => [z, aux]`, z of any shape.
 * @param outerLogLikelihood `(z, batch) => ℓ`, a scalar.
 */
export function build<P extends TensorTree, F, A, O = F>(
  forward: ForwardFn<P, F, A>,
  outerLogLikelihood: OuterLogProbFn<O>,
  config: Config<NoInfer<P>>,
): Transform<P, State<P>, F & O, A, Hyper> {
  checkConfig('ekf.diagGgn.build', config, ['initSds']);
  const { initSds, ...hyper } = config;
  return {
    init: (params, options) => init(params, { ...(initSds === undefined ? {} : { initSds }), ...options }),
    update: (state, batch, options) => update(state, batch, forward, outerLogLikelihood, hyper, options),
  };
}

/** The first state, with means `params`. It owns its tensors; those given stay the caller's. `initSds` as in {@link Config}. */
export function init<P extends TensorTree>(params: P, options: InitOptions & Initial<NoInfer<P>> = {}): State<P> {
  return initDiagonal('ekf.diagGgn.init', params, options);
}

/**
 * One step of {@link build}'s update, with everything given at each call. Hyper-parameters in `options.hyper` replace the others.
 *
 * @returns the next state (the same one, changed, with `inplace`) and the aux of `forward`.
 * @throws if the learning rate or the transition's noise is a negative number. The state is as it was then.
 */
export function update<P extends TensorTree, B, A>(
  state: State<P>,
  batch: B,
  forward: ForwardFn<P, B, A>,
  outerLogLikelihood: OuterLogProbFn<NoInfer<B>>,
  hyper: Hyper,
  options?: UpdateOptions<Hyper>,
): [state: State<P>, aux: A] {
  const at = (step: number): object => hyperAt(name, { ...hyper, ...options?.hyper }, step);
  return stepOf(forward, outerLogLikelihood)(state, batch, at, options);
}

/** `sampleShape` draws: a tree like the parameters, each leaf with `sampleShape` in front. By default one draw and no new axis. */
export function sample<P extends TensorTree>(
  state: Pick<State<P>, 'params' | 'sdDiag'>,
  options: InitOptions & SampleOptions = {},
): P {
  return sampleDiagonal('ekf.diagGgn.sample', state, options);
}

const name = 'ekf.diagGgn.update';
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
        const curvature = diagGgn(
          (params: P, data: B) => model(params, data, context)[0],
          (z: Tensor) => neg(outer(z, batch)),
        );
        return [{ ...filtered(tensors, gradient, curvature(tensors.params, batch), hyper), logLikelihood: value }, aux];
      },
      { value: 'logLikelihood', remedy: remedyOfCurvature, hyper: hyperNames },
    );
  });
}
