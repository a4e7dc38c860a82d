import { checkOptions, type HyperParameter } from '@posteriors/transform';
import { add, div, mul, neg, sqrt, square } from '@tensorflow/tfjs-core';
import type { GradientTransformation } from './base.ts';
import { type LossOptions, leafwise, lossOptions } from './leafwise.ts';
import { requireDecayRate, requirePositive } from './options.ts';

const name = 'optim.radam';

export interface RadamOptions extends LossOptions {
  /** How far to go: a number of at least 0, a schedule, or a scalar tensor. Default 1e-3. */
  readonly learningRate?: HyperParameter;
  /** How much of the mean of past gradients each step keeps, at least 0 and below 1. Default 0.9. */
  readonly beta1?: number;
  /** How much of the mean of past squared gradients each step keeps, at least 0 and below 1. Default 0.999. */
  readonly beta2?: number;
  /** Added to the root of the mean square, a positive number. Default 1e-8. */
  readonly epsilon?: number;
}

/**
 * Adam with a rectified start: while the mean of squares is of too few gradients to be trusted, `update = -learningRate m'`; then
 * `update = -learningRate r m' / (sqrt(v') + epsilon')`, where `r` grows to 1 and `epsilon' = epsilon / sqrt(1 - beta2^t)`, in the terms of
 * `adam`. As `torch.optim.RAdam`. Liu et al. 2020, "On the variance of the adaptive learning rate and beyond",
 * https://arxiv.org/abs/1908.03265, algorithm 2.
 *
 * @throws if an option does not exist or is out of its range.
 */
export function radam(options: RadamOptions = {}): GradientTransformation {
  checkOptions(name, options, [...lossOptions, 'beta1', 'beta2', 'epsilon']);
  const { learningRate = 1e-3, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, ...others } = options;
  for (const [option, value] of Object.entries({ beta1, beta2 })) requireDecayRate(name, option, value);
  requirePositive(name, 'epsilon', epsilon);
  const longest = 2 / (1 - beta2) - 1;

  /** What the direction with and without division by the root mean square counts: one of them is 0. */
  const scales = (t: number): { adaptive: number; plain: number } => {
    const length = longest - (2 * t * beta2 ** t) / (1 - beta2 ** t);
    if (length <= 5) return { adaptive: 0, plain: 1 };
    const ratio = ((length - 4) * (length - 2) * longest) / ((longest - 4) * (longest - 2) * length);
    return { adaptive: Math.sqrt(ratio * (1 - beta2 ** t)), plain: 0 };
  };

  return leafwise(
    name,
    { learningRate, ...others },
    {
      buffers: { firstMoment: 0, secondMoment: 0 },
      hyper: (step) => ({ firstScale: 1 / (1 - beta1 ** (step + 1)), ...scales(step + 1) }),
      step: (g, { firstMoment, secondMoment }, { learningRate, firstScale, adaptive, plain }) => {
        const m = add(mul(firstMoment, beta1), mul(g, 1 - beta1));
        const v = add(mul(secondMoment, beta2), mul(square(g), 1 - beta2));
        const rate = add(div(adaptive, add(sqrt(v), epsilon)), plain);
        return [mul(mul(m, rate), mul(neg(learningRate), firstScale)), { firstMoment: m, secondMoment: v }];
      },
    },
  );
}
