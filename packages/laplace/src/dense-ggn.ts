/** Laplace approximation with the generalised Gauss-Newton matrix (Immer, Korzepa and Bauer 2021, https://arxiv.org/abs/2008.08400). */

import { ggn } from '@posteriors/autodiff';
import {
  checkedForward,
  checkedOuter,
  checkOptions,
  type ForwardFn,
  type InitOptions,
  type NoHyper,
  type OuterLogProbFn,
  type Stepper,
  stepCache,
  stepper,
  type Transform,
  type UpdateOptions,
} from '@posteriors/transform';
import type { TensorTree } from '@posteriors/tree';
import { neg, type Tensor } from '@tensorflow/tfjs-core';
import { grownDense, type Initial, initDense, type State, sampleDense, type Tensors } from './internal/dense.ts';
import type { DrawOptions } from './internal/draw.ts';
import { remedy } from './internal/remedy.ts';

export type { State } from './internal/dense.ts';

export interface Config extends Initial {}

/**
 * A normal approximation N(θ, Λ⁻¹) around fixed parameters θ, whose precision matrix grows with each batch by the generalised Gauss-Newton
 * matrix, the curvature of the log likelihood of a model made linear at θ:
 *
 *     Λ ← Λ + Jᵀ (-∇²ℓ(z)) J,   z = forward(θ, batch),   J = ∂z/∂θ
 *
 * where `ℓ = outerLogLikelihood` is the sum over the batch of the log likelihoods given the outputs `z`, so that one pass over the data gives
 * its sum. For the softmax and other exponential families in their natural parameters this is the expected Fisher, and where `z` is linear in
 * θ and `ℓ` quadratic the approximation is exact. Give the precision of a prior as `initPrec`. Memory is for the
 * p² numbers of the matrix; neither `J` nor the Hessian of `ℓ` is held whole.
 *
 * A batch is what both functions look at: `forward` may take `{ x }` and `outerLogLikelihood` `{ y }` of it.
 *
 * @param forward `(params, batch) => [z, aux]`, `z` a float32 tensor of any shape.
 * @param outerLogLikelihood `(z, batch) => scalar`, without aux.
 */
export function build<P extends TensorTree, F, A, O = F>(
  forward: ForwardFn<P, F, A>,
  outerLogLikelihood: OuterLogProbFn<O>,
  config: Config = {},
): Transform<P, State<P>, F & O, A> {
  checkOptions('laplace.denseGgn.build', config, ['initPrec']);
  return {
    init: (params, options) => init(params, { ...config, ...options }),
    update: (state, batch, options) => update(state, batch, forward, outerLogLikelihood, options),
  };
}

/** The first state, with mean `params`. It owns its tensors; those given stay the caller's. `initPrec` as in {@link Config}. */
export function init<P extends TensorTree>(params: P, options: InitOptions & Initial = {}): State<P> {
  return initDense('laplace.denseGgn.init', params, options);
}

/**
 * One step of {@link build}'s update, with everything given at each call.
 *
 * @returns the next state (the same one, changed, with `inplace`) and the aux of `forward`.
 */
export function update<P extends TensorTree, B, A>(
  state: State<P>,
  batch: B,
  forward: ForwardFn<P, B, A>,
  outerLogLikelihood: OuterLogProbFn<NoInfer<B>>,
  options?: UpdateOptions<NoHyper>,
): [state: State<P>, aux: A] {
  return stepOf(forward, outerLogLikelihood)(state, batch, () => ({}), options);
}

/**
 * `sampleShape` draws `θ + √temperature L⁻ᵀ ξ`, `Λ = L Lᵀ`, `ξ ~ N(0, I)`: a tree like the parameters, each leaf with `sampleShape` in front.
 * By default one draw and no new axis. The key of the state is not used.
 *
 * @throws on cpu and wasm if the precision is not positive definite, with the pivot; elsewhere draws are NaN then. Warns, once a state, where
 *   one on the diagonal is near zero.
 */
export function sample<P extends TensorTree>(state: Pick<State<P>, 'params' | 'prec'>, options: DrawOptions = {}): P {
  return sampleDense('laplace.denseGgn.sample', state, options);
}

const steps = stepCache();

function stepOf<P extends TensorTree, B, A>(
  forward: ForwardFn<P, B, A>,
  outerLogLikelihood: OuterLogProbFn<B>,
): Stepper<Tensors<P>, B, A> {
  const name = 'laplace.denseGgn.update';
  return steps([forward, outerLogLikelihood], '', () => {
    const model = checkedForward(name, forward);
    const outer = checkedOuter(name, outerLogLikelihood);
    return stepper<Tensors<P>, B, object, A>(
      name,
      (tensors, batch, _, context) => {
        const curvature = ggn(
          (params: P, data: B) => model(params, data, context),
          (z: Tensor) => neg(outer(z, batch)),
          { forwardHasAux: true },
        );
        const [matrix, aux] = curvature(tensors.params, batch);
        return [grownDense(tensors, matrix), aux];
      },
      { remedy },
    );
  });
}
