import { evaluate } from '@posteriors/autodiff';
import type { HyperParameter } from '@posteriors/transform';
import { extractTrainable, type Mask, map, type TensorTree } from '@posteriors/tree';
import { add, div, mul, neg, sqrt, square, type Tensor, zerosLike } from '@tensorflow/tfjs-core';
import type { GradientTransformation } from './base.ts';
import { lossGradients } from './gradients.ts';
import { learningRateAt, requireDecayRate, requireLearningRate, requireNotNegative } from './options.ts';

export interface AdamOptions {
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
  /** Strength of the L2 penalty, whose gradient is added to that of the loss. Default 0. */
  readonly weightDecay?: number;
  /** Whether the gradients are those of an objective to maximise. Default false. */
  readonly maximize?: boolean;
}

export interface AdamWOptions extends Omit<AdamOptions, 'weightDecay'> {
  /** The part of itself, times the learning rate, that a parameter loses at each step. Default 0.01. */
  readonly weightDecay?: number;
  /** Which parameters decay: a predicate or a tree of booleans, one of which may stand for a subtree. Default: all. */
  readonly mask?: Mask;
}

/**
 * Adam: `m = beta1 m + (1 - beta1) g`, `v = beta2 v + (1 - beta2) g^2` and `update = -learningRate m' / (sqrt(v' + epsilonRoot) + epsilon)`,
 * where `m' = m / (1 - beta1^t)` and `v' = v / (1 - beta2^t)` at step `t` counted from 1. Kingma & Ba 2015, "Adam: a method for stochastic
 * optimization", algorithm 1.
 *
 * @throws if an option is out of its range.
 */
export function adam({ weightDecay = 0, ...options }: AdamOptions = {}): GradientTransformation {
  return build('optim.adam', options, { weightDecay, decoupled: false });
}

/**
 * {@link adam} with decoupled weight decay: `update = adam's update - learningRate weightDecay params`, also when maximising. Loshchilov &
 * Hutter 2019, "Decoupled weight decay regularization", algorithm 2, with the schedule in the learning rate.
 *
 * @throws if an option is out of its range; in the update if the mask does not fit the parameters.
 */
export function adamw({ weightDecay = 0.01, mask = true, ...options }: AdamWOptions = {}): GradientTransformation {
  return build('optim.adamw', options, { weightDecay, decoupled: true, mask });
}

interface Decay {
  readonly weightDecay: number;
  /** Whether parameters decay by themselves, or by a penalty on the loss. */
  readonly decoupled: boolean;
  readonly mask?: Mask;
}

function build(
  name: string,
  {
    learningRate = 1e-3,
    beta1 = 0.9,
    beta2 = 0.999,
    epsilon = 1e-8,
    epsilonRoot = 0,
    maximize = false,
  }: Omit<AdamOptions, 'weightDecay'>,
  { weightDecay, decoupled, mask = true }: Decay,
): GradientTransformation {
  requireLearningRate(name, learningRate);
  for (const [option, value] of Object.entries({ beta1, beta2 })) requireDecayRate(name, option, value);
  for (const [option, value] of Object.entries({ epsilon, epsilonRoot, weightDecay })) {
    requireNotNegative(name, option, value);
  }
  const penalty = { maximize, weightDecay: decoupled ? 0 : weightDecay };

  return {
    init: (params) => ({
      firstMoment: map((p: Tensor) => zerosLike(p), params),
      secondMoment: map((p: Tensor) => zerosLike(p), params),
    }),

    hyper: (step) => ({
      learningRate: learningRateAt(name, learningRate, step),
      firstScale: 1 / (1 - beta1 ** (step + 1)),
      secondScale: 1 / (1 - beta2 ** (step + 1)),
    }),

    update: <P extends TensorTree>(gradients: P, state: TensorTree, params: P, hyper: unknown): [P, TensorTree] =>
      evaluate(name, () => {
        const { learningRate, firstScale, secondScale } = hyper as Hyper;
        const { firstMoment, secondMoment } = state as State<P>;
        const ascent = lossGradients(gradients, params, penalty);
        const first = map((m, g) => add(mul(m, beta1), mul(g, 1 - beta1)), firstMoment, ascent);
        const second = map((v, g) => add(mul(v, beta2), mul(square(g), 1 - beta2)), secondMoment, ascent);
        const rate = mul(neg(learningRate), firstScale);
        const scaled = map(
          (m, v) => {
            const meanSquare = mul(v, secondScale);
            const root = sqrt(epsilonRoot === 0 ? meanSquare : add(meanSquare, epsilonRoot));
            return mul(div(m, add(root, epsilon)), rate);
          },
          first,
          second,
        );
        const next = { firstMoment: first, secondMoment: second };
        if (!decoupled || weightDecay === 0) return [scaled, next];
        const decay = mul(neg(learningRate), weightDecay);
        // A leaf that the mask rejects comes back as another tensor, an empty one.
        const decayed = extractTrainable(params, mask);
        return [map((u, p, chosen) => (chosen === p ? add(u, mul(p, decay)) : u), scaled, params, decayed), next];
      }),
  };
}

type State<P> = { readonly firstMoment: P; readonly secondMoment: P };
type Hyper = { readonly [name in 'learningRate' | 'firstScale' | 'secondScale']: number | Tensor };
