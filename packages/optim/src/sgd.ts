import { evaluate } from '@posteriors/autodiff';
import type { HyperParameter } from '@posteriors/transform';
import { map, type TensorTree } from '@posteriors/tree';
import { add, mul, neg, type Tensor, zerosLike } from '@tensorflow/tfjs-core';
import type { GradientTransformation } from './base.ts';
import { lossGradients } from './gradients.ts';
import { learningRateAt, requireLearningRate, requireNotNegative } from './options.ts';

const name = 'optim.sgd';

export interface SgdOptions {
  /** How far to go along the gradient: a number of at least 0, a schedule, or a scalar tensor. */
  readonly learningRate: HyperParameter;
  /** How much of the last step's direction is kept. Default 0: no momentum, and no state. */
  readonly momentum?: number;
  /** How much of the gradient is left out of the momentum, from the second step on. Default 0. */
  readonly dampening?: number;
  /** Strength of the L2 penalty, whose gradient is added to that of the loss. Default 0. */
  readonly weightDecay?: number;
  /** Look ahead along the momentum; asks for momentum and no dampening. Default false. */
  readonly nesterov?: boolean;
  /** Whether the gradients are those of an objective to maximise. Default false. */
  readonly maximize?: boolean;
}

/**
 * Stochastic gradient descent: `b = momentum b + (1 - dampening) g` and `update = -learningRate b`, where `b = g` in the first step, or with
 * `nesterov` `update = -learningRate (g + momentum b)`. As `torch.optim.SGD`; Sutskever et al. 2013, "On the importance of initialization
 * and momentum in deep learning".
 *
 * @throws if an option is out of its range, or `nesterov` comes without momentum or with dampening.
 */
export function sgd({
  learningRate,
  momentum = 0,
  dampening = 0,
  weightDecay = 0,
  nesterov = false,
  maximize = false,
}: SgdOptions): GradientTransformation {
  requireLearningRate(name, learningRate);
  for (const [option, value] of Object.entries({ momentum, dampening, weightDecay })) {
    requireNotNegative(name, option, value);
  }
  if (nesterov && (momentum === 0 || dampening !== 0)) {
    throw new Error(
      `${name}: nesterov needs a positive momentum and dampening 0; momentum is ${momentum}, dampening is ${dampening}`,
    );
  }
  return {
    init: (params) => (momentum === 0 ? {} : { momentum: map((p: Tensor) => zerosLike(p), params) }),

    hyper: (step) => ({
      learningRate: learningRateAt(name, learningRate, step),
      gradientScale: step === 0 ? 1 : 1 - dampening,
    }),

    update: <P extends TensorTree>(gradients: P, state: TensorTree, params: P, hyper: unknown): [P, TensorTree] =>
      evaluate(name, () => {
        const { learningRate, gradientScale } = hyper as Hyper;
        const rate = neg(learningRate);
        const ascent = lossGradients(gradients, params, { maximize, weightDecay });
        if (momentum === 0) return [map((g) => mul(g, rate), ascent), {}];
        const buffer = map(
          (b, g) => add(mul(b, momentum), dampening === 0 ? g : mul(g, gradientScale)),
          (state as State<P>).momentum,
          ascent,
        );
        const direction = nesterov ? map((g, b) => add(g, mul(b, momentum)), ascent, buffer) : buffer;
        return [map((d) => mul(d, rate), direction), { momentum: buffer }];
      }),
  };
}

type State<P> = { readonly momentum: P };
type Hyper = { readonly learningRate: number | Tensor; readonly gradientScale: number | Tensor };
