import { evaluate } from '@posteriors/autodiff';
import { leaves, map, type TensorTree } from '@posteriors/tree';
import { add, clipByValue as clip, div, maximum, mul, sqrt, square, sum, type Tensor } from '@tensorflow/tfjs-core';
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
 * Scales the gradients so that their norm, of all leaves together, is at most `maxNorm`: the first of a {@link chain}. Pascanu, Mikolov &
 * Bengio 2013, "On the difficulty of training recurrent neural networks", algorithm 1.
 *
 * @throws if the norm is not a positive number.
 */
export function clipByGlobalNorm(maxNorm: number): GradientTransformation {
  const name = 'optim.clipByGlobalNorm';
  requirePositive(name, 'maxNorm', maxNorm);
  return stateless(name, (gradients) => {
    const squares = (leaves(gradients) as Tensor[]).map((g) => sum(square(g)));
    const norm = sqrt(squares.reduce((total, each) => add(total, each)));
    const scale = div(maxNorm, maximum(norm, maxNorm));
    return map((g: Tensor) => mul(g, scale), gradients);
  });
}

function stateless(name: string, change: <P extends TensorTree>(gradients: P) => P): GradientTransformation {
  return {
    init: () => ({}),
    hyper: () => ({}),
    update: (gradients) => [evaluate(name, () => change(gradients)), {}],
  };
}
