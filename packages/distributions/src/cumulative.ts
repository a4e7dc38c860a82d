import { evaluate, scan } from '@posteriors/autodiff';
import { add, concat, div, expandDims, eye, mul, range, reshape, slice, sub, type Tensor } from '@tensorflow/tfjs-core';

/**
 * Mean and covariance of the first 1, 2, ... n vectors, in one pass (Welford 1962): with `d = x_i - m_{i-1}`,
 * `m_i = m_{i-1} + d / i` and `C_i = C_{i-1} (i - 2) / (i - 1) + d dᵀ / i`, the unbiased covariance.
 *
 * @param xs float32 `[n, d]`, n at least 1: draws of a chain, for example.
 * @returns `means`, `[n, d]`, and `covs`, `[n, d, d]`, which the caller owns. `covs[0]` is the identity by convention, as one vector has no
 *   covariance.
 * @throws if `xs` is no float32 matrix with a row.
 */
export function cumulativeMeanAndCov(xs: Tensor): { readonly means: Tensor; readonly covs: Tensor } {
  const name = 'distributions.cumulativeMeanAndCov';
  const [n, d] = xs.shape as [number, number];
  if (xs.rank !== 2 || xs.dtype !== 'float32' || n === 0)
    throw new Error(`${name}: takes float32 [n, d] with n at least 1, not ${xs.dtype}[${xs.shape}]`);
  return evaluate(name, () => {
    type Moments = { readonly mean: Tensor; readonly cov: Tensor };
    const first = { mean: reshape(slice(xs, 0, 1), [d]), cov: eye(d) as Tensor };
    const step = ({ mean, cov }: Moments, { x, i }: { x: Tensor; i: Tensor }): [Moments, Moments] => {
      const offset = sub(x, mean);
      const square = mul(expandDims(offset, 1), expandDims(offset, 0));
      const kept = mul(cov, div(sub(i, 2), sub(i, 1)));
      const next = { mean: add(mean, div(offset, i)), cov: add(kept, div(square, i)) };
      return [next, next];
    };
    const [, { mean, cov }] = scan(step, first, { x: slice(xs, 1, n - 1), i: range(2, n + 1) });
    return { means: concat([expandDims(first.mean), mean]), covs: concat([expandDims(first.cov), cov]) };
  });
}
