import type { TensorTree, Tree } from '@posteriors/tree';
import type { Tensor } from '@tensorflow/tfjs-core';

/** A tree of numbers or scalar tensors: what an optimiser needs to know of one step. Enters a compiled program as inputs. */
export type StepHyper = Tree<number | Tensor>;

/**
 * An optimiser: a pure function from gradients to updates, and the state it needs.
 *
 * The number of the step is not in the state; the caller counts and passes `hyper(step)` along, so that schedules and bias corrections are
 * exact numbers of the host and a new learning rate never recompiles a program. `init` and `update` run as they are or inside of `jit`,
 * `grad` and `vmap`. Nothing given is disposed; what is returned belongs to the caller.
 */
export interface GradientTransformation {
  /** The state for parameters like these before the first step: a tree of float32 tensors. */
  init(params: TensorTree): TensorTree;
  /**
   * Learning rate and corrections of one step, 0 for the first.
   *
   * @throws if the step is not an integer from 0, or a schedule gives no valid value for it.
   */
  hyper(step: number): StepHyper;
  /**
   * Maps gradients of a loss to be minimised to updates, which are to be added to the parameters, and the next state.
   *
   * @param hyper what `hyper(step)` returned, its numbers as such or as scalar tensors.
   * @throws if gradients, parameters and state differ in structure.
   */
  update<P extends TensorTree>(
    gradients: P,
    state: TensorTree,
    params: P,
    hyper: StepHyper,
  ): [updates: P, state: TensorTree];
}

/** @throws unless `optimizer`, which `what` names, is a {@link GradientTransformation}. `name` begins the error. */
export function requireOptimizer(name: string, optimizer: unknown, what: string): void {
  const { init, hyper, update } = (optimizer ?? {}) as { readonly [method: string]: unknown };
  if ([init, hyper, update].every((method) => typeof method === 'function')) return;
  throw new Error(
    `${name}: ${what} must be an optimiser of @posteriors/optim, such as optim.adam({ learningRate: 1e-3 })`,
  );
}
