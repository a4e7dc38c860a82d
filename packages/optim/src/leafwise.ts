import { evaluate } from '@posteriors/autodiff';
import type { HyperParameter } from '@posteriors/transform';
import { map, type TensorTree } from '@posteriors/tree';
import { add, fill, mul, neg, type Tensor } from '@tensorflow/tfjs-core';
import type { GradientTransformation } from './base.ts';
import { learningRateAt, requireLearningRate, requireNotNegative } from './options.ts';

/** What every optimiser takes. */
export interface LossOptions {
  /** How far to go: a number of at least 0, a schedule, or a scalar tensor. */
  readonly learningRate?: HyperParameter;
  /** Strength of the L2 penalty, whose gradient is added to that of the loss. Default 0. */
  readonly weightDecay?: number;
  /** Whether the gradients are those of an objective to maximise. Default false. */
  readonly maximize?: boolean;
}

/** The names in {@link LossOptions}. */
export const lossOptions: readonly string[] = ['learningRate', 'weightDecay', 'maximize'];

/** Numbers of one step, as such or as scalar tensors. */
type Numbers<H extends string> = { readonly [name in H | 'learningRate']: number | Tensor };
type Buffers<B extends string> = { readonly [name in B]: Tensor };

/** An optimiser that treats each leaf of the parameters by itself. */
export interface Rule<B extends string, H extends string> {
  /** The tensors that it keeps of each leaf, by name, and the number that all their elements start from. */
  readonly buffers: { readonly [name in B]: number };
  /** Numbers of the host that a step needs besides the learning rate. Steps count from 0. */
  readonly hyper?: (step: number) => { readonly [name in H]: number };
  /** From the gradient of a leaf, of the loss and its penalty, to what is added to it, and its next buffers. */
  readonly step: (
    gradient: Tensor,
    buffers: Buffers<B>,
    hyper: Numbers<H>,
  ) => readonly [update: Tensor, buffers: Buffers<B>];
}

/** The optimiser of a rule. Its state is a tree like the parameters for each buffer. `name` begins the errors. */
export function leafwise<B extends string, H extends string = never>(
  name: string,
  { learningRate, weightDecay = 0, maximize = false }: LossOptions & { readonly learningRate: HyperParameter },
  rule: Rule<B, H>,
): GradientTransformation {
  requireLearningRate(name, learningRate);
  requireNotNegative(name, 'weightDecay', weightDecay);
  const names = Object.keys(rule.buffers) as B[];
  const ofEach = <T>(make: (buffer: B, index: number) => T): { [name in B]: T } =>
    Object.fromEntries(names.map((buffer, i) => [buffer, make(buffer, i)])) as { [name in B]: T };

  return {
    init: (params) => ofEach((buffer) => map((p: Tensor) => fill(p.shape, rule.buffers[buffer]), params)),

    hyper: (step) => ({ learningRate: learningRateAt(name, learningRate, step), ...rule.hyper?.(step) }),

    update: <P extends TensorTree>(gradients: P, state: TensorTree, params: P, hyper: unknown): [P, TensorTree] =>
      evaluate(name, () => {
        const made: Buffers<B>[] = [];
        const trees = names.map((buffer) => (state as { readonly [name in B]: P })[buffer]);
        const updates = map(
          (g: Tensor, p: Tensor, ...buffers: Tensor[]) => {
            const descent = maximize ? neg(g) : g;
            const [update, next] = rule.step(
              weightDecay === 0 ? descent : add(descent, mul(p, weightDecay)),
              ofEach((_, i) => buffers[i] as Tensor),
              hyper as Numbers<H>,
            );
            made.push(next);
            return update;
          },
          gradients,
          params,
          ...trees,
        );
        const next = ofEach((buffer) => {
          let leaf = 0;
          return map(() => (made[leaf++] as Buffers<B>)[buffer], updates);
        });
        return [updates, next];
      }),
  };
}
