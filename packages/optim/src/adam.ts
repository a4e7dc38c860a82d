import { evaluate } from '@posteriors/autodiff';
import { checkOptions, type HyperParameter } from '@posteriors/transform';
import { type Mask, map, resolveMask, type TensorTree } from '@posteriors/tree';
import { add, div, mul, neg, sqrt, square, type Tensor } from '@tensorflow/tfjs-core';
import type { GradientTransformation, StepHyper } from './base.ts';
import { type LossOptions, leafwise, lossOptions } from './leafwise.ts';
import { requireDecayRate, requireNotNegative } from './options.ts';

export interface AdamOptions extends LossOptions {
  /** How far to go: a number of at least 0, a schedule, or a scalar tensor. Default 1e-3. */
  readonly learningRate?: HyperParameter;
  /** How much of the mean of past gradients each step keeps, at least 0 and below 1. Default 0.9. */
  readonly beta1?: number;
  /** How much of the mean of past squared gradients each step keeps, at least 0 and below 1. Default 0.999. */
  readonly beta2?: number;
  /** Added to the root of the mean square. Default 1e-8. */
  readonly epsilon?: number;
  /** Added to the mean square, under the root. Default 0. */
  readonly epsilonRoot?: number;
}

export interface AdamWOptions extends Omit<AdamOptions, 'weightDecay'> {
  /** The part of itself, times the learning rate, that a parameter loses at each step. Default 0.01. */
  readonly weightDecay?: number;
  /** Which parameters decay: a predicate or a tree of booleans, one of which may stand for a subtree. Default: all. */
  readonly mask?: Mask;
}

const known = [...lossOptions, 'beta1', 'beta2', 'epsilon', 'epsilonRoot'];

/**
 * Adam: `m = beta1 m + (1 - beta1) g`, `v = beta2 v + (1 - beta2) g^2` and `update = -learningRate m' / (sqrt(v' + epsilonRoot) + epsilon)`,
 * where `m' = m / (1 - beta1^t)` and `v' = v / (1 - beta2^t)` at step `t` counted from 1. Kingma & Ba 2015, "Adam: a method for stochastic
 * optimization", algorithm 1.
 *
 * @throws if an option does not exist or is out of its range.
 */
export function adam(options: AdamOptions = {}): GradientTransformation {
  checkOptions('optim.adam', options, known);
  return build('optim.adam', options);
}

/**
 * {@link adam} with decoupled weight decay: `update = adam's update - learningRate weightDecay params`, also when maximising. Loshchilov &
 * Hutter 2019, "Decoupled weight decay regularization", algorithm 2, with the schedule in the learning rate.
 *
 * @throws if an option does not exist or is out of its range; in the update if the mask does not fit the parameters.
 */
export function adamw(options: AdamWOptions = {}): GradientTransformation {
  const name = 'optim.adamw';
  checkOptions(name, options, [...known, 'mask']);
  const { weightDecay = 0.01, mask = true, ...others } = options;
  requireNotNegative(name, 'weightDecay', weightDecay);
  const undecayed = build(name, others);
  if (weightDecay === 0) return undecayed;
  return {
    ...undecayed,
    update: <P extends TensorTree>(gradients: P, state: TensorTree, params: P, hyper: StepHyper): [P, TensorTree] =>
      evaluate(name, () => {
        const [updates, next] = undecayed.update(gradients, state, params, hyper);
        const { learningRate } = hyper as { readonly learningRate: number | Tensor };
        const decay = mul(neg(learningRate), weightDecay);
        const decays = resolveMask(params, mask);
        const decayed = map(
          (u: Tensor, p: Tensor, decaying: unknown) => (decaying ? add(u, mul(p, decay)) : u),
          updates,
          params,
          decays as never,
        );
        return [decayed, next];
      }),
  };
}

function build(
  name: string,
  { learningRate = 1e-3, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, epsilonRoot = 0, ...options }: AdamOptions,
): GradientTransformation {
  for (const [option, value] of Object.entries({ beta1, beta2 })) requireDecayRate(name, option, value);
  for (const [option, value] of Object.entries({ epsilon, epsilonRoot })) requireNotNegative(name, option, value);
  return leafwise(
    name,
    { learningRate, ...options },
    {
      buffers: { firstMoment: 0, secondMoment: 0 },
      hyper: (step) => ({ firstScale: 1 / (1 - beta1 ** (step + 1)), secondScale: 1 / (1 - beta2 ** (step + 1)) }),
      step: (g, { firstMoment, secondMoment }, { learningRate, firstScale, secondScale }) => {
        const m = add(mul(firstMoment, beta1), mul(g, 1 - beta1));
        const v = add(mul(secondMoment, beta2), mul(square(g), 1 - beta2));
        const meanSquare = mul(v, secondScale);
        const root = sqrt(epsilonRoot === 0 ? meanSquare : add(meanSquare, epsilonRoot));
        const update = mul(div(m, add(root, epsilon)), mul(neg(learningRate), firstScale));
        return [update, { firstMoment: m, secondMoment: v }];
      },
    },
  );
}
