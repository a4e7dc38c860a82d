import { checkOptions, type HyperParameter } from '@posteriors/transform';
import { abs, add, div, maximum, mul, neg } from '@tensorflow/tfjs-core';
import type { GradientTransformation } from './base.ts';
import { type LossOptions, leafwise, lossOptions } from './leafwise.ts';
import { requireDecayRate, requireNotNegative } from './options.ts';

const name = 'optim.adamax';

export interface AdamaxOptions extends LossOptions {
  /** How far to go: a number of at least 0, a schedule, or a scalar tensor. Default 2e-3. */
  readonly learningRate?: HyperParameter;
  /** How much of the mean of past gradients each step keeps, at least 0 and below 1. Default 0.9. */
  readonly beta1?: number;
  /** How much of the largest past gradient each step keeps, at least 0 and below 1. Default 0.999. */
  readonly beta2?: number;
  /** Added to the size of each gradient. Default 1e-8. */
  readonly epsilon?: number;
}

/**
 * Adamax: `m = beta1 m + (1 - beta1) g`, `u = max(beta2 u, |g| + epsilon)` and `update = -learningRate / (1 - beta1^t) m / u` at step `t`
 * counted from 1. As `torch.optim.Adamax`. Kingma & Ba 2015, "Adam: a method for stochastic optimization", algorithm 2.
 *
 * @throws if an option does not exist or is out of its range.
 */
export function adamax(options: AdamaxOptions = {}): GradientTransformation {
  checkOptions(name, options, [...lossOptions, 'beta1', 'beta2', 'epsilon']);
  const { learningRate = 2e-3, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, ...others } = options;
  for (const [option, value] of Object.entries({ beta1, beta2 })) requireDecayRate(name, option, value);
  requireNotNegative(name, 'epsilon', epsilon);
  return leafwise(
    name,
    { learningRate, ...others },
    {
      buffers: { firstMoment: 0, largest: 0 },
      hyper: (step) => ({ firstScale: 1 / (1 - beta1 ** (step + 1)) }),
      step: (g, { firstMoment, largest }, { learningRate, firstScale }) => {
        const m = add(mul(firstMoment, beta1), mul(g, 1 - beta1));
        const u = maximum(mul(largest, beta2), add(abs(g), epsilon));
        return [mul(div(m, u), mul(neg(learningRate), firstScale)), { firstMoment: m, largest: u }];
      },
    },
  );
}
