import { evaluate } from '@posteriors/autodiff';
import type { Key } from '@posteriors/random';
import { flatten, type TensorTree, unflatten } from '@posteriors/tree';
import { add, mul, scalar, sub, sum, Tensor } from '@tensorflow/tfjs-core';
import { logNormalizer, normalKernel } from './normal-density.ts';
import { normalLike, type SampleOptions } from './normal-like.ts';
import { spread } from './spread.ts';
import { requireSd } from './standard-deviation.ts';

/**
 * Log density of a normal distribution with diagonal covariance, summed over all elements of all leaves:
 * `-((x - mean) / sdDiag)^2 / 2 - log(sdDiag) - log(2 pi) / 2`.
 *
 * @param x a tree of float32 tensors.
 * @param mean a number or a scalar tensor for all elements, or a tree of the structure of `x`, each leaf of which broadcasts to that of
 *   `x`. Default 0.
 * @param sdDiag the standard deviations, given like the mean; positive. Default 1.
 * @param options `normalize: false` leaves out the terms that do not depend on `x`. Default true.
 * @returns a float32 scalar, which the caller owns. Differentiable in all three.
 * @throws if `mean` or `sdDiag` differs from `x` in structure or shape, or `sdDiag` is a number that is not positive.
 */
export function diagNormalLogProb(
  x: TensorTree,
  mean: number | TensorTree = 0,
  sdDiag: number | TensorTree = 1,
  { normalize = true }: { readonly normalize?: boolean } = {},
): Tensor {
  const name = 'distributions.diagNormalLogProb';
  requireSd(name, 'sdDiag', sdDiag, 'density');
  return evaluate(name, () => {
    const means = spread(name, 'mean', mean, 'x', x);
    const sds = spread(name, 'sdDiag', sdDiag, 'x', x);
    const terms = flatten(x).leaves.map((leaf, i) => {
      const sd = sds[i] as number | Tensor;
      const kernel = normalKernel(leaf, means[i] as number | Tensor, sd);
      if (!normalize) return sum(kernel);
      if (sd instanceof Tensor) return sum(sub(kernel, logNormalizer(sd)));
      return sub(sum(kernel), leaf.size * logNormalizer(sd));
    });
    return terms.length === 0 ? scalar(0) : terms.reduce((total, term) => add(total, term));
  });
}

/**
 * Draws from a normal distribution with diagonal covariance, `mean + sdDiag * normalLike(key, mean)`, so that derivatives go through to the
 * mean and the standard deviations.
 *
 * @param key as for {@link normalLike}.
 * @param mean a tree of float32 tensors, which gives the draws their structure and shapes.
 * @param sdDiag a number or a scalar tensor for all elements, or a tree of the structure of `mean`, each leaf of which broadcasts to that
 *   of `mean`; not negative.
 * @returns a tree of leaves `[...sampleShape, ...leaf.shape]`, which the caller owns.
 * @throws if `sdDiag` differs from `mean` in structure or shape, or is a negative number.
 */
export function diagNormalSample<P extends TensorTree>(
  key: Key,
  mean: P,
  sdDiag: number | TensorTree,
  options: SampleOptions = {},
): P {
  const name = 'distributions.diagNormalSample';
  requireSd(name, 'sdDiag', sdDiag, 'draws');
  return evaluate(name, () => {
    const { leaves: means, structure } = flatten<TensorTree>(mean);
    const sds = spread(name, 'sdDiag', sdDiag, 'mean', mean);
    const { leaves: noise } = flatten<TensorTree>(normalLike(key, mean, options));
    const draws = means.map((leaf, i) => add(leaf, mul(noise[i] as Tensor, sds[i] as number | Tensor)));
    return unflatten(structure, draws) as P;
  });
}
