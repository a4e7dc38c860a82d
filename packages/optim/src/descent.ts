/** Optimisation as a transform: a point estimate by any optimiser, with the interface of the inference algorithms. */

import { type Disposer, valueAndGrad } from '@posteriors/autodiff';
import type { Key } from '@posteriors/random';
import {
  checkedLogProb,
  type InitOptions,
  initState,
  type LogProbFn,
  type NoHyper,
  notYet,
  type Stepper,
  stepCache,
  stepper,
  type Transform,
  type UpdateOptions,
} from '@posteriors/transform';
import type { TensorTree } from '@posteriors/tree';
import type { Tensor } from '@tensorflow/tfjs-core';
import { applyUpdates } from './apply-updates.ts';
import { type GradientTransformation, requireOptimizer, type StepHyper } from './base.ts';

/** What is minimised (or, by an optimiser with `maximize`, maximised): of the type of a log posterior, which it may be. */
export type LossFn<P extends TensorTree, B, A> = LogProbFn<P, B, A>;

export interface State<P> extends Disposer {
  readonly params: P;
  readonly optState: TensorTree;
  /** Loss of the parameters before the last update, a scalar; NaN before the first. */
  readonly loss: Tensor;
  readonly key: Key;
  /** Updates so far. */
  readonly step: number;
}

/**
 * Takes one step of the optimiser in each update. With a log posterior and an optimiser that has `maximize`, the parameters go to the maximum
 * a posteriori. Other than in posteriors 0.1.2, an update is pure unless it is asked to be in place, and the two give the same numbers.
 *
 * @throws if the second argument is not an optimiser.
 */
export function build<P extends TensorTree, B, A>(
  loss: LossFn<P, B, A>,
  optimizer: GradientTransformation,
): Transform<P, State<P>, B, A> {
  requireOptimizer('optim.build', optimizer, 'the second argument');
  return {
    init: (params, options) => init(params, optimizer, options),
    update: (state, batch, options) => update(state, batch, loss, optimizer, options),
  };
}

/** The first state. It owns its tensors; those given stay the caller's. The key is for a loss that draws random numbers (dropout). */
export function init<P extends TensorTree>(
  params: P,
  optimizer: GradientTransformation,
  options: InitOptions = {},
): State<P> {
  return initState('optim.init', params, options, (owned) => ({ optState: optimizer.init(owned), loss: notYet() }));
}

/**
 * One step of {@link build}'s update, with the loss and the optimiser given at each call.
 *
 * @returns the next state (the same one, changed, with `inplace`) and the aux of the loss.
 * @throws if the loss is not a scalar with aux.
 */
export function update<P extends TensorTree, B, A>(
  state: State<P>,
  batch: B,
  loss: LossFn<P, B, A>,
  optimizer: GradientTransformation,
  options?: UpdateOptions<NoHyper>,
): [state: State<P>, aux: A] {
  return stepOf(loss, optimizer)(state, batch, (step) => ({ optimizer: optimizer.hyper(step) }), options);
}

interface Tensors<P> {
  readonly params: P;
  readonly optState: TensorTree;
  readonly loss: Tensor;
}

const steps = stepCache();

function stepOf<P extends TensorTree, B, A>(
  loss: LossFn<P, B, A>,
  optimizer: GradientTransformation,
): Stepper<Tensors<P>, B, A> {
  const name = 'optim.update';
  return steps([loss, optimizer], '', () => {
    const valueAndGradient = valueAndGrad(checkedLogProb(name, loss), { hasAux: true });
    return stepper<Tensors<P>, B, { readonly optimizer: StepHyper }, A>(
      name,
      ({ params, optState }, batch, hyper, context) => {
        const [[value, aux], gradient] = valueAndGradient(params, batch, context);
        const [updates, next] = optimizer.update(gradient, optState, params, hyper.optimizer);
        return [{ params: applyUpdates(params, updates), optState: next, loss: value }, aux];
      },
      { value: 'loss', remedy },
    );
  });
}

/** What may be wrong where a field of the new state is not finite. */
function remedy(field: string): string {
  return field === 'loss'
    ? 'Either the loss is not defined for this batch, or the parameters have diverged: lower the learning rate.'
    : 'Either the gradient of the loss is not finite at the parameters, though its value is, or the step is far too large: lower the learning rate.';
}
