import { evaluate } from '@posteriors/autodiff';
import { type Key, normal } from '@posteriors/random';
import { flatten, ravel, type TensorTree, unflatten } from '@posteriors/tree';
import { add, reshape, split, sub, type Tensor } from '@tensorflow/tfjs-core';
import { type CovarianceForm, type Factored, factored, logDensity } from './factored.ts';
import type { SampleOptions } from './normal-like.ts';
import { spread } from './spread.ts';

/**
 * Log density of a multivariate normal distribution at a tree of n numbers, in whose `ravel` order are the rows and columns of the
 * matrix. {@link multivariateNormalLogProb} is the same for vectors.
 *
 * @param x a tree of float32 tensors.
 * @param mean a number or a scalar tensor for all elements, or a tree of the structure of `x`, each leaf of which broadcasts to that of
 *   `x`.
 * @param form the covariance, the precision or a factor, `[n, n]`.
 * @returns a float32 scalar, which the caller owns. Differentiable in all three to any order.
 * @throws if the mean or the matrix does not fit the tree.
 */
export function denseNormalLogProb<P extends TensorTree>(
  x: P,
  mean: number | TensorTree,
  form: CovarianceForm,
  { normalize = true }: { readonly normalize?: boolean } = {},
): Tensor {
  const name = 'distributions.denseNormalLogProb';
  return evaluate(name, () => {
    const means = spread(name, 'mean', mean, 'x', x);
    const { leaves, structure } = flatten<TensorTree>(x);
    const centred = leaves.map((leaf, i) => (means[i] === 0 ? leaf : sub(leaf, means[i] as number | Tensor)));
    const { flat } = ravel(unflatten(structure, centred) as TensorTree);
    return logDensity(flat, factoredFor(name, form, 'x', flat), normalize);
  });
}

/**
 * Draws from a multivariate normal distribution of a tree of n numbers, in whose `ravel` order are the rows and columns of the
 * matrix. {@link multivariateNormalSample} is the same for vectors.
 *
 * @param mean a tree of float32 tensors, which gives the draws their structure and shapes.
 * @param form the covariance, the precision or a factor, `[n, n]`.
 * @returns a tree of leaves `[...sampleShape, ...leaf.shape]`, which the caller owns; derivatives go through to the mean and the matrix.
 *   Equal keys give equal noise: `normal(key, [...sampleShape, n])`.
 * @throws if the matrix does not fit the tree.
 */
export function denseNormalSample<P extends TensorTree>(
  key: Key,
  mean: P,
  form: CovarianceForm,
  { sampleShape = [] }: SampleOptions = {},
): P {
  const name = 'distributions.denseNormalSample';
  return evaluate(name, () => {
    const { flat } = ravel(mean);
    const { n, color } = factoredFor(name, form, 'mean', flat);
    const draws = add(flat, color(normal(key, [...sampleShape, n])));
    const { leaves, structure } = flatten<TensorTree>(mean);
    const pieces = split(draws, leaves.map(({ size }) => size), -1); // biome-ignore format: one line
    const batch = draws.shape.slice(0, -1);
    return unflatten(
      structure,
      leaves.map(({ shape }, i) => reshape(pieces[i] as Tensor, [...batch, ...shape])),
    ) as P;
  });
}

function factoredFor(name: string, form: CovarianceForm, what: string, flat: Tensor): Factored {
  const result = factored(name, form);
  if (result.batch.length > 0 || result.n !== flat.size) {
    const [kind] = Object.keys(form);
    const has = [...result.batch, result.n, result.n];
    throw new Error(
      `${name}: the ${kind} has shape [${has}], and ${what} has ${flat.size} elements in all, which takes [${flat.size},${flat.size}]`,
    );
  }
  return result;
}
