/** Laplace approximation with the diagonal of the generalised Gauss-Newton matrix (Immer, Korzepa and Bauer 2021, https://arxiv.org/abs/2008.08400). */

import { diagGgn } from '@posteriors/autodiff';
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
import {
  grownDiagonal,
  type Initial,
  initDiagonal,
  type State,
  sampleDiagonal,
  type Tensors,
} from './internal/diagonal.ts';
import type { DrawOptions } from './internal/draw.ts';
import { remedy } from './internal/remedy.ts';

export type { State } from './internal/diagonal.ts';

export interface Config<P> extends Initial<P> {}

/**
 * A normal approximation N(θ, diag(λ)⁻¹) around fixed parameters θ, whose precision grows with each batch by the diagonal of the generalised
 * Gauss-Newton matrix, the curvature of the log likelihood of a model made linear at θ:
 *
 *     λ ← λ + diag(Jᵀ (-∇²ℓ(z)) J),   z = forward(θ, batch),   J = ∂z/∂θ
 *
 * where `ℓ = outerLogLikelihood` is the sum over the batch of the log likelihoods given the outputs `z`, so that one pass over the data gives
 * its sum. For the softmax and other exponential families in their natural parameters this is the diagonal of the expected Fisher. Give the
 * precision of a prior as `initPrecDiag`. Neither `J` nor the Hessian of `ℓ` is held whole.
 *
 * A batch is what both functions look at: `forward` may take `{ x }` and `outerLogLikelihood` `{ y }` of it.
 *
 * @param forward `(params, batch) => [z, aux]`, `z` a float32 tensor of any shape.
 * @param outerLogLikelihood `(z, batch) => scalar`, without aux.
 */
export function build<P extends TensorTree, F, A, O = F>(
  forward: ForwardFn<P, F, A>,
  outerLogLikelihood: OuterLogProbFn<O>,
  config: Config<NoInfer<P>> = {},
): Transform<P, State<P>, F & O, A> {
  checkOptions('laplace.diagGgn.build', config, ['initPrecDiag']);
  return {
    init: (params, options) => init(params, { ...config, ...options }),
    update: (state, batch, options) => update(state, batch, forward, outerLogLikelihood, options),
  };
}

/** The first state, with mean `params`. It owns its tensors; those given stay the caller's. `initPrecDiag` as in {@link Config}. */
export function init<P extends TensorTree>(params: P, options: InitOptions & Initial<NoInfer<P>> = {}): State<P> {
  return initDiagonal('laplace.diagGgn.init', params, options);
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
 * `sampleShape` draws `θ + √(temperature / λ) ξ`, `ξ ~ N(0, I)`: a tree like the parameters, each leaf with `sampleShape` in front. By
 * default one draw and no new axis. The key of the state is not used.
 *
 * @throws on cpu and wasm if a precision is not positive; elsewhere, and inside of transforms, such elements are infinite or NaN. Warns, once
 *   a state, of one near zero.
 */
export function sample<P extends TensorTree>(
  state: Pick<State<P>, 'params' | 'precDiag'>,
  options: DrawOptions = {},
): P {
  return sampleDiagonal('laplace.diagGgn.sample', state, options);
}

const steps = stepCache();

function stepOf<P extends TensorTree, B, A>(
  forward: ForwardFn<P, B, A>,
  outerLogLikelihood: OuterLogProbFn<B>,
): Stepper<Tensors<P>, B, A> {
  const name = 'laplace.diagGgn.update';
  return steps([forward, outerLogLikelihood], '', () => {
    const model = checkedForward(name, forward);
    const outer = checkedOuter(name, outerLogLikelihood);
    return stepper<Tensors<P>, B, object, A>(
      name,
      (tensors, batch, _, context) => {
        const curvature = diagGgn(
          (params: P, data: B) => model(params, data, context),
          (z: Tensor) => neg(outer(z, batch)),
          { forwardHasAux: true },
        );
        const [diagonal, aux] = curvature(tensors.params, batch);
        return [grownDiagonal(tensors, diagonal), aux];
      },
      { remedy },
    );
  });
}
