import { evaluate } from '@posteriors/autodiff';
import { leaves, map, type TensorTree } from '@posteriors/tree';
import {
  abs,
  add,
  clipByValue as clip,
  div,
  lessEqual,
  max,
  maximum,
  mul,
  sqrt,
  square,
  sum,
  type Tensor,
  where,
} from '@tensorflow/tfjs-core';
import type { GradientTransformation } from './base.ts';
import { requirePositive } from './options.ts';

/**
 * Clips each element of the gradients to `[-limit, limit]`: the first of a {@link chain}.
 *
 * @throws if the limit is not a positive number.
 */
export function clipByValue(limit: number): GradientTransformation {
  const name = 'optim.clipByValue';
  requirePositive(name, 'limit', limit);
  return stateless(name, (gradients) => map((g: Tensor) => clip(g, -limit, limit), gradients));
}

/**
 * Scales the gradients so that their norm, of all leaves together, is at most `maxNorm`: the first of a {@link chain}. Gradients are squared
 * in units of the largest, so that the squares of finite ones are finite. Pascanu, Mikolov & Bengio 2013, "On the difficulty of training
 * recurrent neural networks", algorithm 1.
 *
 * @throws if the norm is not a positive number.
 */
export function clipByGlobalNorm(maxNorm: number): GradientTransformation {
  const name = 'optim.clipByGlobalNorm';
  requirePositive(name, 'maxNorm', maxNorm);
  return stateless(name, (gradients) => {
    const parts = (leaves(gradients) as Tensor[]).filter(({ size }) => size > 0);
    const unit = parts.reduce((largest: Tensor | number, g) => maximum(largest, max(abs(g))), maxNorm);
    const norm = sqrt(parts.reduce((total: Tensor | number, g) => add(total, sum(square(div(g, unit)))), 0));
    const fits = lessEqual(norm, div(maxNorm, unit));
    const [divisor, factor] = [where(fits, 1, unit), where(fits, 1, div(maxNorm, norm))];
    return map((g: Tensor) => mul(div(g, divisor), factor), gradients);
  });
}

function stateless(name: string, change: <P extends TensorTree>(gradients: P) => P): GradientTransformation {
  return {
    init: () => ({}),
    hyper: () => ({}),
    update: (gradients) => [evaluate(name, () => change(gradients)), {}],
  };
}
