import { evaluate } from '@posteriors/autodiff';
import type { TensorTree } from '@posteriors/tree';
import { type GradientTransformation, requireOptimizer, type StepHyper } from './base.ts';

/**
 * One transformation after the other, each on what the last one made of the gradients: `chain(clipByGlobalNorm(1), adam())`. An optimiser,
 * which turns gradients into updates, comes last.
 *
 * @throws if there are none, or one is not a `GradientTransformation`.
 */
export function chain(...transformations: readonly GradientTransformation[]): GradientTransformation {
  const name = 'optim.chain';
  if (transformations.length === 0) throw new Error(`${name}: there is nothing to chain; give at least one optimiser`);
  for (const [i, each] of transformations.entries()) requireOptimizer(name, each, `argument ${i + 1}`);
  return {
    init: (params) => transformations.map(({ init }) => init(params)),
    hyper: (step) => transformations.map(({ hyper }) => hyper(step)),
    update: <P extends TensorTree>(
      gradients: P,
      state: TensorTree,
      params: P,
      hyper: StepHyper,
    ): [updates: P, state: TensorTree] =>
      evaluate(name, () => {
        const [states, hypers] = [state as readonly TensorTree[], hyper as readonly StepHyper[]];
        let updates = gradients;
        const next = transformations.map((each, i) => {
          const [changed, itsState] = each.update(updates, states[i] as TensorTree, params, hypers[i] as StepHyper);
          updates = changed;
          return itsState;
        });
        return [updates, next];
      }),
  };
}
