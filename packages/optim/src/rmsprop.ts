import { checkOptions, type HyperParameter } from '@posteriors/transform';
import { add, div, maximum, mul, neg, sqrt, square, sub } from '@tensorflow/tfjs-core';
import type { GradientTransformation } from './base.ts';
import { type LossOptions, leafwise, lossOptions } from './leafwise.ts';
import { requireDecayRate, requireNotNegative } from './options.ts';

const name = 'optim.rmsprop';

export interface RmspropOptions extends LossOptions {
  /** How far to go: a number of at least 0, a schedule, or a scalar tensor. Default 1e-2. */
  readonly learningRate?: HyperParameter;
  /** How much of the mean of past squared gradients each step keeps, at least 0 and below 1. Default 0.99. */
  readonly alpha?: number;
  /** Added to the root of the mean square. Default 1e-8. */
  readonly epsilon?: number;
  /** How much of the last step's direction is kept. Default 0. */
  readonly momentum?: number;
  /** Whether gradients are divided by an estimate of their standard deviation, instead of their root mean square. Default false. */
  readonly centered?: boolean;
  /** Where the mean square starts. Default 0. */
  readonly initialScale?: number;
  /** Look ahead along the momentum, which it asks for. Default false. */
  readonly nesterov?: boolean;
}

/**
 * RMSprop: `v = alpha v + (1 - alpha) g^2`, `d = g / (sqrt(v) + epsilon)`, `b = momentum b + d` and `update = -learningRate b`, or with
 * `nesterov` `-learningRate (d + momentum b)`; `centered` takes the square of the mean gradient from `v`. As `torch.optim.RMSprop`. Tieleman
 * & Hinton 2012, "Neural networks for machine learning", lecture 6.5; Graves 2013, https://arxiv.org/abs/1308.0850, equations 38-45.
 *
 * @throws if an option does not exist or is out of its range, or `nesterov` comes without momentum.
 */
export function rmsprop(options: RmspropOptions = {}): GradientTransformation {
  checkOptions(name, options, [...lossOptions, 'alpha', 'epsilon', 'momentum', 'centered', 'initialScale', 'nesterov']);
  const {
    learningRate = 1e-2,
    alpha = 0.99,
    epsilon = 1e-8,
    momentum = 0,
    centered = false,
    initialScale = 0,
    nesterov = false,
    ...others
  } = options;
  requireDecayRate(name, 'alpha', alpha);
  for (const [option, value] of Object.entries({ epsilon, momentum, initialScale })) {
    requireNotNegative(name, option, value);
  }
  if (nesterov && momentum === 0) throw new Error(`${name}: nesterov needs a positive momentum; momentum is 0`);
  type Buffer = 'meanSquare' | 'mean' | 'momentum';
  const buffers = {
    meanSquare: initialScale,
    ...(centered ? { mean: 0 } : {}),
    ...(momentum > 0 ? { momentum: 0 } : {}),
  } as { readonly [name in Buffer]: number };
  return leafwise<Buffer>(
    name,
    { learningRate, ...others },
    {
      buffers,
      step: (g, last, { learningRate }) => {
        const meanSquare = add(mul(last.meanSquare, alpha), mul(square(g), 1 - alpha));
        const mean = centered ? add(mul(last.mean, alpha), mul(g, 1 - alpha)) : g;
        const spread = centered ? maximum(sub(meanSquare, square(mean)), 0) : meanSquare;
        const d = div(g, add(sqrt(spread), epsilon));
        const b = momentum > 0 ? add(mul(last.momentum, momentum), d) : d;
        const direction = nesterov ? add(d, mul(b, momentum)) : b;
        return [mul(direction, neg(learningRate)), { meanSquare, mean, momentum: b }];
      },
    },
  );
}
