/** Laplace approximation with the diagonal of the empirical Fisher (MacKay 1992; Daxberger et al. 2021, https://arxiv.org/abs/2106.14806). */

import {
  checkOptions,
  type InitOptions,
  type LogProbFn,
  type NoHyper,
  type PerSampleOption,
  perSampleSums,
  type Stepper,
  stepCache,
  stepper,
  type Transform,
  type UpdateOptions,
} from '@posteriors/transform';
import type { TensorTree } from '@posteriors/tree';
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

export interface Config<P> extends PerSampleOption, Initial<P> {}

/**
 * A normal approximation N(θ, diag(λ)⁻¹) around fixed parameters θ, whose precision grows with each batch by the squared gradients of the
 * log posterior of each example:
 *
 *     λ ← λ + Σᵢ (∇log pᵢ(θ))²
 *
 * over the examples i of the batch, so that one pass over the data gives its sum. This is the empirical Fisher: it has squared residuals in
 * it, equals the curvature only on average and only where the model is true, and is near zero where the model fits the data all too well;
 * `diagGgn` takes the curvature itself. A prior in the log posterior counts once for each example: leave it out there, and give its
 * precision as `initPrecDiag`. It holds a bounded number of gradients at a time, however large the batch, and none of a weight that meets
 * each example once: there the sum is one product of squares.
 *
 * @param logPosterior `(params, batch) => [value, aux]`. By default the value is a scalar, the function is called on batches of one, and aux
 *   gains an axis 0 for the examples; with `perSample: true` it is a vector with one value for each example.
 */
export function build<P extends TensorTree, B, A>(
  logPosterior: LogProbFn<P, B, A>,
  config: Config<NoInfer<P>> = {},
): Transform<P, State<P>, B, A> {
  checkOptions('laplace.diagFisher.build', config, ['perSample', 'initPrecDiag']);
  const { perSample = false, ...initial } = config;
  return {
    init: (params, options) => init(params, { ...initial, ...options }),
    update: (state, batch, options) => update(state, batch, logPosterior, { perSample }, options),
  };
}

/** The first state, with mean `params`. It owns its tensors; those given stay the caller's. `initPrecDiag` as in {@link Config}. */
export function init<P extends TensorTree>(params: P, options: InitOptions & Initial<NoInfer<P>> = {}): State<P> {
  return initDiagonal('laplace.diagFisher.init', params, options);
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
  return sampleDiagonal('laplace.diagFisher.sample', state, options);
}

const steps = stepCache();

function stepOf<P extends TensorTree, B, A>(
  logPosterior: LogProbFn<P, B, A>,
  perSample: boolean,
): Stepper<Tensors<P>, B, A> {
  const name = 'laplace.diagFisher.update';
  return steps([logPosterior], `${perSample}`, () => {
    const sumsOf = perSampleSums(name, logPosterior, perSample);
    return stepper<Tensors<P>, B, object, A>(
      name,
      (tensors, batch, _, context) => {
        const { squares, aux } = sumsOf(tensors.params, batch, context);
        return [grownDiagonal(tensors, squares), aux];
      },
      { remedy },
    );
  });
}
