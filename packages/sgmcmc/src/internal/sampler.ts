/** What the samplers share: one gradient in each update, and noise that is not that of the log posterior. */

import { valueAndGrad } from '@posteriors/autodiff';
import { split } from '@posteriors/random';
import {
  type AtStep,
  checkedLogProb,
  checkOptions,
  type LogProbFn,
  type Scalars,
  type StateBase,
  type Stepper,
  stepCache,
  stepper,
  type UpdateOptions,
  warnOfScale,
} from '@posteriors/transform';
import type { TensorTree } from '@posteriors/tree';
import type { Tensor } from '@tensorflow/tfjs-core';
import { type LangevinHyper, samplerHyper } from './hyper.ts';

/** The tensors that the state of every sampler has. */
export interface Position {
  readonly params: TensorTree;
  /** Log posterior of the parameters before the last update, a scalar; NaN before the first. */
  readonly logPosterior: Tensor;
}

/**
 * The mathematics of one update: from the tensors of the state, the gradient of the log posterior at its parameters and a key for the noise
 * to the new tensors, all but the log posterior.
 */
export type Move<T extends Position, H> = (
  tensors: T,
  gradient: TensorTree,
  hyper: Scalars<H>,
  noise: Tensor,
) => Omit<T, 'logPosterior'>;

type Update<T extends Position, H> = <S extends T & StateBase, P extends TensorTree, B, A>(
  state: S,
  batch: B,
  logPosterior: LogProbFn<P, B, A>,
  hyper: H,
  options?: UpdateOptions<H>,
) => [state: S, aux: A];

/**
 * Makes the `update` of a sampler, whose errors begin with `name`. The hyper-parameters are the learning rate and those that have defaults;
 * `check` may refuse more of their values than is refused anyway.
 */
export function sampler<T extends Position, H extends LangevinHyper>(
  name: string,
  defaults: Omit<Required<H>, 'learningRate'>,
  move: Move<T, H>,
  check?: (values: AtStep<Required<H>>) => void,
): Update<T, H> {
  const names = ['learningRate', ...Object.keys(defaults)];
  const steps = stepCache();
  const inspect = warnOfScale(name);
  const valuesAt = samplerHyper(name, names, defaults, (values) => check?.(values as AtStep<Required<H>>));
  const makeStep = <P extends TensorTree, B, A>(logPosterior: LogProbFn<P, B, A>): Stepper<T, B, A> => {
    const valueAndGradient = valueAndGrad(checkedLogProb(name, logPosterior), { hasAux: true });
    return stepper<T, B, Scalars<H>, A>(
      name,
      (tensors, batch, hyper, context) => {
        const [noise, model] = split(context.key) as [Tensor, Tensor];
        const [[value, aux], gradient] = valueAndGradient(tensors.params as P, batch, { ...context, key: model });
        return [{ ...move(tensors, gradient, hyper, noise), logPosterior: value } as T, aux];
      },
      { value: 'logPosterior', remedy, hyper: names, inspect },
    );
  };
  return (state, batch, logPosterior, hyper, options) => {
    checkOptions(name, hyper, names);
    const hyperAt = (step: number): object => valuesAt(step, hyper, options?.hyper);
    return steps([logPosterior], '', () => makeStep(logPosterior))(state, batch, hyperAt, options);
  };
}

/** What may be wrong where a field of the new state is not finite. */
function remedy(field: string): string {
  const what =
    field === 'logPosterior'
      ? 'Either the log posterior is not defined for this batch, or the parameters have diverged'
      : 'Either the gradient of the log posterior is not finite at the parameters, though its value is, or the step is far too large or its noise variance negative';
  return `${what}: lower the learning rate, and scale log posterior and temperature by 1 / number of data.`;
}
