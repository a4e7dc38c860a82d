import { checkOptions, type HyperParameter } from '@posteriors/transform';
import { add, mul, neg } from '@tensorflow/tfjs-core';
import type { GradientTransformation } from './base.ts';
import { type LossOptions, leafwise, lossOptions } from './leafwise.ts';
import { requireNotNegative } from './options.ts';

const name = 'optim.sgd';

export interface SgdOptions extends LossOptions {
  /** How far to go along the gradient: a number of at least 0, a schedule, or a scalar tensor. */
  readonly learningRate: HyperParameter;
  /** How much of the last step's direction is kept. Default 0: no momentum, and no state. */
  readonly momentum?: number;
  /** How much of the gradient is left out of the momentum, from the second step on. Default 0. */
  readonly dampening?: number;
  /** Look ahead along the momentum; asks for momentum and no dampening. Default false. */
  readonly nesterov?: boolean;
}

/**
 * Stochastic gradient descent: `b = momentum b + (1 - dampening) g` and `update = -learningRate b`, where `b = g` in the first step, or with
 * `nesterov` `update = -learningRate (g + momentum b)`. As `torch.optim.SGD`; Sutskever et al. 2013, "On the importance of initialization
 * and momentum in deep learning".
 *
 * @throws if an option does not exist or is out of its range, or `nesterov` comes without momentum or with dampening.
 */
export function sgd(options: SgdOptions): GradientTransformation {
  checkOptions(name, options, [...lossOptions, 'momentum', 'dampening', 'nesterov']);
  const { momentum = 0, dampening = 0, nesterov = false, ...others } = options;
  for (const [option, value] of Object.entries({ momentum, dampening })) requireNotNegative(name, option, value);
  if (nesterov && (momentum === 0 || dampening !== 0)) {
    throw new Error(
      `${name}: nesterov needs a positive momentum and dampening 0; momentum is ${momentum}, dampening is ${dampening}`,
    );
  }
  if (momentum === 0) {
    return leafwise(name, others, {
      buffers: {},
      step: (g, _, { learningRate }) => [mul(g, neg(learningRate)), {}],
    });
  }
  return leafwise(name, others, {
    buffers: { momentum: 0 },
    hyper: (step) => ({ gradientScale: step === 0 ? 1 : 1 - dampening }),
    step: (g, { momentum: last }, { learningRate, gradientScale }) => {
      const b = add(mul(last, momentum), dampening === 0 ? g : mul(g, gradientScale));
      const direction = nesterov ? add(g, mul(b, momentum)) : b;
      return [mul(direction, neg(learningRate)), { momentum: b }];
    },
  });
}
