import { evaluate } from '@posteriors/autodiff';
import { broadcastShape } from '@posteriors/backend';
import { type Key, normal } from '@posteriors/random';
import { add, sub, Tensor } from '@tensorflow/tfjs-core';
import { type CovarianceForm, type Factored, factored, logDensity } from './factored.ts';
import type { SampleOptions } from './normal-like.ts';

/**
 * Log density of a multivariate normal distribution at vectors: with the covariance `A Aᵀ` of n rows and `z = A^-1 (x - mean)`,
 * `-(zᵀ z + n log(2 pi)) / 2 - log |det A|`.
 *
 * @param x float32 `[..., n]`.
 * @param mean a number or a scalar tensor for all elements, or float32 `[..., n]`.
 * @param form the covariance, the precision or a factor, `[..., n, n]`. All leading axes broadcast.
 * @param options `normalize: false` leaves out the terms that do not depend on `x`. Default true.
 * @returns float32 `[...]`, which the caller owns. Differentiable in all three to any order; the gradient in a covariance or a precision is
 *   symmetric, that in a factor lower triangular.
 * @throws if the shapes do not fit, and on cpu and wasm if a covariance or precision is not positive definite.
 */
export function multivariateNormalLogProb(
  x: Tensor,
  mean: number | Tensor,
  form: CovarianceForm,
  { normalize = true }: { readonly normalize?: boolean } = {},
): Tensor {
  const name = 'distributions.multivariateNormalLogProb';
  return evaluate(name, () => {
    const spread = factored(name, form);
    requireVectors(name, 'x', x, spread);
    if (!isScalar(mean)) requireVectors(name, 'mean', mean, spread);
    return logDensity(mean === 0 ? x : sub(x, mean), spread, normalize);
  });
}

/**
 * Draws from a multivariate normal distribution, `mean + A z` with `z` independent standard normal numbers and the covariance `A Aᵀ`, so that
 * derivatives go through to the mean and the matrix: `A` is the factor, the Cholesky factor of the covariance, or `L^-T` for the precision
 * `L Lᵀ`.
 *
 * @param key a key on the host, or an int32 tensor `[2]`. A tensor of keys `[...batch, 2]` puts the batch axes in front of all others.
 * @param mean a number or a scalar tensor for all elements, or float32 `[..., n]`.
 * @param form the covariance, the precision or a factor, `[..., n, n]`, whose leading axes broadcast with those of the mean.
 * @returns float32 `[...sampleShape, ..., n]`, which the caller owns. Equal keys give equal `z`: `normal(key, shape of the draws)`.
 * @throws if the shapes do not fit, and on cpu and wasm if a covariance or precision is not positive definite.
 */
export function multivariateNormalSample(
  key: Key,
  mean: number | Tensor,
  form: CovarianceForm,
  { sampleShape = [] }: SampleOptions = {},
): Tensor {
  const name = 'distributions.multivariateNormalSample';
  return evaluate(name, () => {
    const spread = factored(name, form);
    const batch = isScalar(mean) ? spread.batch : requireVectors(name, 'mean', mean, spread);
    const z = normal(key, [...sampleShape, ...batch, spread.n]);
    return add(mean, spread.color(z));
  });
}

function isScalar(mean: number | Tensor): mean is number {
  return typeof mean === 'number' || mean.rank === 0;
}

/** The leading axes of the vectors and the matrices together. @throws unless they fit. */
function requireVectors(name: string, what: string, x: Tensor, { batch, n }: Factored): readonly number[] {
  const matrices = `[${[...batch, n, n]}]`;
  if (!(x instanceof Tensor) || x.rank === 0 || x.shape[x.rank - 1] !== n) {
    const has = x instanceof Tensor ? `has shape [${x.shape}]` : 'is no tensor';
    throw new Error(`${name}: ${what} ${has}, and matrices ${matrices} take vectors [..., ${n}]`);
  }
  try {
    return broadcastShape(x.shape.slice(0, -1), batch);
  } catch {
    throw new Error(
      `${name}: the leading axes of ${what} [${x.shape}] and of the matrices ${matrices} do not broadcast`,
    );
  }
}
