import { checkOptions, type HyperParameter } from '@posteriors/transform';
import { add, div, mul, neg, sqrt, square } from '@tensorflow/tfjs-core';
import type { GradientTransformation } from './base.ts';
import { type LossOptions, leafwise, lossOptions } from './leafwise.ts';
import { requireNotNegative } from './options.ts';

const name = 'optim.adagrad';

export interface AdagradOptions extends LossOptions {
  /** How far to go: a number of at least 0, a schedule, or a scalar tensor. Default 1e-2. */
  readonly learningRate?: HyperParameter;
  /** How fast the learning rate falls: it is divided by `1 + step learningRateDecay`. Default 0. */
  readonly learningRateDecay?: number;
  /** Where the sum of squares starts. Default 0. */
  readonly initialAccumulator?: number;
  /** Added to the root of the sum of squares. Default 1e-10. */
  readonly epsilon?: number;
}

/**
 * Adagrad: `s = s + g^2` and `update = -learningRate g / (sqrt(s) + epsilon)`. As `torch.optim.Adagrad`. Duchi, Hazan & Singer 2011,
 * "Adaptive subgradient methods for online learning and stochastic optimization".
 *
 * @throws if an option does not exist or is out of its range.
 */
export function adagrad(options: AdagradOptions = {}): GradientTransformation {
  checkOptions(name, options, [...lossOptions, 'learningRateDecay', 'initialAccumulator', 'epsilon']);
  const { learningRate = 1e-2, learningRateDecay = 0, initialAccumulator = 0, epsilon = 1e-10, ...others } = options;
  for (const [option, value] of Object.entries({ learningRateDecay, initialAccumulator, epsilon })) {
    requireNotNegative(name, option, value);
  }
  return leafwise(
    name,
    { learningRate, ...others },
    {
      buffers: { sumOfSquares: initialAccumulator },
      hyper: (step) => ({ decay: 1 / (1 + step * learningRateDecay) }),
      step: (g, { sumOfSquares }, { learningRate, decay }) => {
        const s = add(sumOfSquares, square(g));
        return [mul(div(g, add(sqrt(s), epsilon)), mul(neg(learningRate), decay)), { sumOfSquares: s }];
      },
    },
  );
}
