import { evaluate } from '@posteriors/autodiff';
import {
  add,
  cast,
  clipByValue,
  div,
  equal,
  exp,
  gather,
  greaterEqual,
  less,
  log,
  maximum,
  mul,
  onesLike,
  reciprocal,
  sub,
  type Tensor,
  tensor1d,
  where,
  zerosLike,
} from '@tensorflow/tfjs-core';
import { oneTensorOf } from './one-of.ts';
import { requireSameShape } from './same-shape.ts';

/** The mean of a Poisson distribution, or its logarithm. */
export type PoissonRate = { readonly rate: Tensor } | { readonly logRate: Tensor };

/**
 * Log probability of counts under Poisson distributions: `k log(rate) - rate - log k!`, computed as
 * `k (log(rate) - log k) + (k - rate) - (log k! - k log k + k)`, whose parts stay small where the rate is near to the count.
 *
 * @param given the rate or its logarithm, float32 `[...]`. A rate may be 0, a logarithm `-Infinity`.
 * @param counts int32, of the same shape.
 * @returns float32 `[...]`, which the caller owns; NaN where a count is negative. Differentiable in the rate to any order.
 * @throws if the counts are not int32 or the shapes differ.
 */
export function poissonLogProb(given: PoissonRate, counts: Tensor): Tensor {
  const name = 'distributions.poissonLogProb';
  const [what, values] = oneTensorOf(name, 'the rate', ['rate', 'logRate'], given);
  if (counts.dtype !== 'int32') {
    throw new Error(
      `${name}: the counts are ${counts.dtype} and must be int32; cast them with tf.cast(counts, 'int32')`,
    );
  }
  requireSameShape(name, 'counts', counts, what, values);
  return evaluate(name, () => {
    const k = cast(counts, 'float32');
    const none = equal(counts, 0);
    const unit = maximum(k, 1);
    // The term of the logarithm is 0 for a count of 0, and has no derivative then.
    const ratio =
      what === 'rate'
        ? log(div(where(none, onesLike(values), values), unit))
        : sub(where(none, zerosLike(values), values), log(unit));
    const rate = what === 'rate' ? values : exp(values);
    const value = sub(add(mul(k, ratio), sub(k, rate)), logFactorialRest(counts, k));
    return where(greaterEqual(counts, 0), value, Number.NaN);
  });
}

/** `log k! - k log k + k` for counts below 16. */
const small: readonly number[] = (() => {
  let logFactorial = 0;
  return Array.from({ length: 16 }, (_, k) => {
    if (k === 0) return 0;
    logFactorial += Math.log(k);
    return logFactorial - k * Math.log(k) + k;
  });
})();

/** `log k! - k log k + k`: of a table, or from 16 by Stirling's series, `log(2 pi k) / 2 + 1 / (12 k) - 1 / (360 k^3)`, exact to 1e-9. */
function logFactorialRest(counts: Tensor, k: Tensor): Tensor {
  const places = cast(clipByValue(k, 0, small.length - 1), 'int32');
  const tabled = gather(tensor1d([...small]), places);
  const inverse = reciprocal(maximum(k, 1));
  const series = mul(inverse, sub(1 / 12, mul(mul(inverse, inverse), 1 / 360)));
  const stirling = add(mul(0.5, log(mul(2 * Math.PI, maximum(k, 1)))), series);
  return where(less(counts, small.length), tabled, stirling);
}
