import { checkOptions, type HyperParameter } from '@posteriors/transform';
import { add, div, mul, neg, sqrt, square, type Tensor } from '@tensorflow/tfjs-core';
import type { GradientTransformation } from './base.ts';
import { type LossOptions, leafwise, lossOptions } from './leafwise.ts';
import { requireDecayRate, requireNotNegative } from './options.ts';

const name = 'optim.adadelta';

export interface AdadeltaOptions extends LossOptions {
  /** What the step is multiplied by: a number of at least 0, a schedule, or a scalar tensor. Default 1. */
  readonly learningRate?: HyperParameter;
  /** How much of the means of squares each step keeps, at least 0 and below 1. Default 0.9. */
  readonly rho?: number;
  /** Added to the mean squares, under their roots. Default 1e-6. */
  readonly epsilon?: number;
}

/**
 * Adadelta: `v = rho v + (1 - rho) g^2`, `d = sqrt(u + epsilon) / sqrt(v + epsilon) g`, `u = rho u + (1 - rho) d^2` and
 * `update = -learningRate d`. As `torch.optim.Adadelta`. Zeiler 2012, https://arxiv.org/abs/1212.5701, algorithm 1.
 *
 * @throws if an option does not exist or is out of its range.
 */
export function adadelta(options: AdadeltaOptions = {}): GradientTransformation {
  checkOptions(name, options, [...lossOptions, 'rho', 'epsilon']);
  const { learningRate = 1, rho = 0.9, epsilon = 1e-6, ...others } = options;
  requireDecayRate(name, 'rho', rho);
  requireNotNegative(name, 'epsilon', epsilon);
  const averaged = (mean: Tensor, x: Tensor): Tensor => add(mul(mean, rho), mul(square(x), 1 - rho));
  return leafwise(
    name,
    { learningRate, ...others },
    {
      buffers: { meanSquare: 0, meanSquareStep: 0 },
      step: (g, { meanSquare, meanSquareStep }, { learningRate }) => {
        const v = averaged(meanSquare, g);
        const d = mul(div(sqrt(add(meanSquareStep, epsilon)), sqrt(add(v, epsilon))), g);
        return [mul(d, neg(learningRate)), { meanSquare: v, meanSquareStep: averaged(meanSquareStep, d) }];
      },
    },
  );
}
