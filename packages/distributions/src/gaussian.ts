import { evaluate } from '@posteriors/autodiff';
import { add, div, log, mul, square, sub, Tensor } from '@tensorflow/tfjs-core';
import { requireSameShape } from './same-shape.ts';
import { spread } from './spread.ts';
import { requireSd } from './standard-deviation.ts';

const halfLogTwoPi = Math.log(2 * Math.PI) / 2;

/**
 * Log density of each target under a normal distribution of its own: `-((y - mean) / sd)^2 / 2 - log(sd) - log(2 pi) / 2`.
 *
 * @param means float32 `[...]`, as a model predicts them.
 * @param targets of the same shape.
 * @param sd the standard deviation, positive: a number, or a float32 tensor that broadcasts to the means. Default 1.
 * @returns float32 `[...]`, which the caller owns. Differentiable in all three to any order.
 * @throws if the shapes do not fit, or the standard deviation is a number that is not positive.
 */
export function gaussianLogProb(means: Tensor, targets: Tensor, sd: number | Tensor = 1): Tensor {
  const name = 'distributions.gaussianLogProb';
  requireSd(name, 'sd', sd, 'density');
  requireSameShape(name, 'targets', targets, 'means', means);
  spread(name, 'sd', sd, 'means', means);
  return evaluate(name, () => {
    const kernel = mul(square(div(sub(targets, means), sd)), -0.5);
    return sub(kernel, sd instanceof Tensor ? add(log(sd), halfLogTwoPi) : Math.log(sd) + halfLogTwoPi);
  });
}
