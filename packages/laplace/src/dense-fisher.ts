/** Laplace approximation with the empirical Fisher (MacKay 1992; Daxberger et al. 2021, https://arxiv.org/abs/2106.14806). */

import {
  checkOptions,
  type InitOptions,
  type LogProbFn,
  type NoHyper,
  type PerSampleOption,
  perSampleProducts,
  type Stepper,
  stepCache,
  stepper,
  type Transform,
  type UpdateOptions,
} from '@posteriors/transform';
import type { TensorTree } from '@posteriors/tree';
import { grownDense, type Initial, initDense, type State, sampleDense, type Tensors } from './internal/dense.ts';
import type { DrawOptions } from './internal/draw.ts';
import { remedy } from './internal/remedy.ts';

export type { State } from './internal/dense.ts';

export interface Config extends PerSampleOption, Initial {}

/**
 * A normal approximation N(θ, Λ⁻¹) around fixed parameters θ, whose precision matrix grows with each batch by the outer products of the
 * gradients of the log posterior of each example:
 *
 *     Λ ← Λ + Σᵢ gᵢ gᵢᵀ,   gᵢ = ∇log pᵢ(θ)
 *
 * over the examples i of the batch, so that one pass over the data gives its sum. This is the empirical Fisher: it has squared residuals in
 * it, equals the curvature only on average and only where the model is true, and is near zero where the model fits the data all too well;
 * `denseGgn` takes the curvature itself. A prior in the log posterior counts once for each example: leave it out there, and give its
 * precision as `initPrec`. Memory is for the p² numbers of the matrix, and for a bounded number of gradients at a time.
 *
 * @param logPosterior `(params, batch) => [value, aux]`. By default the value is a scalar, the function is called on batches of one, and aux
 *   gains an axis 0 for the examples; with `perSample: true` it is a vector with one value for each example.
 */
export function build<P extends TensorTree, B, A>(
  logPosterior: LogProbFn<P, B, A>,
  config: Config = {},
): Transform<P, State<P>, B, A> {
  checkOptions('laplace.denseFisher.build', config, ['perSample', 'initPrec']);
  const { perSample = false, ...initial } = config;
  return {
    init: (params, options) => init(params, { ...initial, ...options }),
    update: (state, batch, options) => update(state, batch, logPosterior, { perSample }, options),
  };
}

/** The first state, with mean `params`. It owns its tensors; those given stay the caller's. `initPrec` as in {@link Config}. */
export function init<P extends TensorTree>(params: P, options: InitOptions & Initial = {}): State<P> {
  return initDense('laplace.denseFisher.init', params, options);
}

/**
 * One step of {@link build}'s update, with everything given at each call.
 *
 * @returns the next state (the same one, changed, with `inplace`) and the aux of the log posterior.
 */
export function update<P extends TensorTree, B, A>(
  state: State<P>,
  batch: B,
  logPosterior: LogProbFn<P, B, A>,
  { perSample = false }: PerSampleOption = {},
  options?: UpdateOptions<NoHyper>,
): [state: State<P>, aux: A] {
  return stepOf(logPosterior, perSample)(state, batch, () => ({}), options);
}

/**
 * `sampleShape` draws `θ + √temperature L⁻ᵀ ξ`, `Λ = L Lᵀ`, `ξ ~ N(0, I)`: a tree like the parameters, each leaf with `sampleShape` in front.
 * By default one draw and no new axis. The key of the state is not used.
 *
 * @throws on cpu and wasm if the precision is not positive definite, with the pivot; elsewhere draws are NaN then. Warns, once a state, where
 *   one on the diagonal is near zero.
 */
export function sample<P extends TensorTree>(state: Pick<State<P>, 'params' | 'prec'>, options: DrawOptions = {}): P {
  return sampleDense('laplace.denseFisher.sample', state, options);
}

const steps = stepCache();

function stepOf<P extends TensorTree, B, A>(
  logPosterior: LogProbFn<P, B, A>,
  perSample: boolean,
): Stepper<Tensors<P>, B, A> {
  const name = 'laplace.denseFisher.update';
  return steps([logPosterior], `${perSample}`, () => {
    const productsOf = perSampleProducts(name, logPosterior, perSample);
    return stepper<Tensors<P>, B, object, A>(
      name,
      (tensors, batch, _, context) => {
        const { products, aux } = productsOf(tensors.params, batch, context);
        return [grownDense(tensors, products), aux];
      },
      { remedy },
    );
  });
}
