import { evaluate } from '@posteriors/autodiff';
import { sub, type Tensor } from '@tensorflow/tfjs-core';
import { logNormalizer, normalKernel } from './normal-density.ts';
import { requireSameShape } from './same-shape.ts';
import { spread } from './spread.ts';
import { requireSd } from './standard-deviation.ts';

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
  return evaluate(name, () => sub(normalKernel(targets, means, sd), logNormalizer(sd)));
}
