/** Laplace approximation with the Hessian (MacKay 1992; Daxberger et al. 2021, https://arxiv.org/abs/2106.14806). */

import { hessian } from '@posteriors/autodiff';
import {
  atStep,
  checkConstants,
  checkedLogProb,
  checkHyper,
  checkOptions,
  type HyperParameter,
  type InitOptions,
  type LogProbFn,
  notNegative,
  positive,
  type Scalars,
  type Stepper,
  stepCache,
  stepper,
  symmetricLike,
  type Transform,
  type UpdateOptions,
} from '@posteriors/transform';
import { ravel, type TensorTree } from '@posteriors/tree';
import { mul, sub, type Tensor } from '@tensorflow/tfjs-core';
import { grownDense, type Initial, initDense, type State, sampleDense, type Tensors } from './internal/dense.ts';
import type { DrawOptions } from './internal/draw.ts';
import { remedy } from './internal/remedy.ts';

export type { State } from './internal/dense.ts';

/** Numbers, schedules or scalar tensors. */
export interface Hyper {
  /** What the Hessian of a batch is multiplied by, such as the share of the batch in the data for a mean. Default 1. */
  readonly rescale?: HyperParameter;
  /** What each update adds to the diagonal, not negative: k updates add k times as much. Default 0. */
  readonly epsilon?: HyperParameter;
}

const defaults = { rescale: 1, epsilon: 0 } satisfies Hyper;
const checks = { rescale: positive, epsilon: notNegative };

export interface Config extends Hyper, Initial {}

/**
 * A normal approximation N(θ, Λ⁻¹) around fixed parameters θ, whose precision matrix grows with each batch by the curvature of the log
 * posterior:
 *
 *     Λ ← Λ - rescale ∇²log p(θ, batch) + epsilon I
 *
 * so that one pass over the data gives the sum; epsilon is added at each update. At a maximum of the log posterior this is the Laplace
 * approximation in the narrow sense, exact for a normal posterior. Elsewhere the matrix need not be positive definite, and there is nothing
 * to draw from. A prior in the log posterior counts once for each batch: leave it out there, and give its precision as `initPrec`, or rescale.
 *
 * @param logPosterior `(params, batch) => [value, aux]`, the value a scalar.
 */
export function build<P extends TensorTree, B, A>(
  logPosterior: LogProbFn<P, B, A>,
  config: Config = {},
): Transform<P, State<P>, B, A, Hyper> {
  checkOptions('laplace.denseHessian.build', config, [...Object.keys(defaults), 'initPrec']);
  checkConstants<Hyper>('laplace.denseHessian.build', { ...defaults, ...config }, checks);
  const { initPrec, ...hyper } = config;
  return {
    init: (params, options) => init(params, { ...(initPrec === undefined ? {} : { initPrec }), ...options }),
    update: (state, batch, options) => update(state, batch, logPosterior, hyper, options),
  };
}

/** The first state, with mean `params`. It owns its tensors; those given stay the caller's. `initPrec` as in {@link Config}. */
export function init<P extends TensorTree>(params: P, options: InitOptions & Initial = {}): State<P> {
  return initDense('laplace.denseHessian.init', params, options);
}

/**
 * One step of {@link build}'s update, with everything given at each call. Hyper-parameters in `options.hyper` replace those in `hyper`.
 *
 * @returns the next state (the same one, changed, with `inplace`) and the aux of the log posterior.
 * @throws if the log posterior is not a scalar with aux, `rescale` is a number that is not positive, or `epsilon` one that is negative.
 */
export function update<P extends TensorTree, B, A>(
  state: State<P>,
  batch: B,
  logPosterior: LogProbFn<P, B, A>,
  hyper: Hyper = {},
  options?: UpdateOptions<Hyper>,
): [state: State<P>, aux: A] {
  checkOptions(name, hyper, hyperNames);
  const hyperAt = (step: number): object => {
    const values = atStep({ ...defaults, ...hyper, ...options?.hyper }, step);
    checkHyper<Required<Hyper>>(name, values, checks);
    return values;
  };
  return stepOf(logPosterior)(state, batch, hyperAt, options);
}

/**
 * `sampleShape` draws `θ + √temperature L⁻ᵀ ξ`, `Λ = L Lᵀ`, `ξ ~ N(0, I)`: a tree like the parameters, each leaf with `sampleShape` in front.
 * By default one draw and no new axis. The key of the state is not used.
 *
 * @throws on cpu and wasm if the precision is not positive definite, with the pivot; elsewhere draws are NaN then. Warns, once a state, where
 *   one on the diagonal is near zero.
 */
export function sample<P extends TensorTree>(state: Pick<State<P>, 'params' | 'prec'>, options: DrawOptions = {}): P {
  return sampleDense('laplace.denseHessian.sample', state, options);
}

const name = 'laplace.denseHessian.update';
const hyperNames = Object.keys(defaults);
const steps = stepCache();

function stepOf<P extends TensorTree, B, A>(logPosterior: LogProbFn<P, B, A>): Stepper<Tensors<P>, B, A> {
  return steps([logPosterior], '', () => {
    const logProb = checkedLogProb(name, logPosterior);
    return stepper<Tensors<P>, B, Scalars<Hyper>, A>(
      name,
      (tensors, batch, { rescale, epsilon }, context) => {
        const { flat, unravel } = ravel(tensors.params);
        const ofVector = (vector: Tensor): readonly [Tensor, A] => logProb(unravel(vector), batch, context);
        const [curvature, aux] = hessian(ofVector, { hasAux: true })(flat as Tensor);
        const growth = sub(mul(epsilon, symmetricLike(1, flat.size)), mul(rescale, curvature));
        return [grownDense(tensors, growth), aux];
      },
      { remedy, hyper: hyperNames },
    );
  });
}
