/** The normal density of single numbers, in its two parts. */
import { add, div, log, mul, square, sub, Tensor } from '@tensorflow/tfjs-core';

/** `log(2 pi) / 2`. */
export const halfLogTwoPi: number = Math.log(2 * Math.PI) / 2;

/** The part of the log density that depends on `x`: `-((x - mean) / sd)^2 / 2`. A mean that is 0 and a standard deviation that is 1 cost nothing. */
export function normalKernel(x: Tensor, mean: number | Tensor, sd: number | Tensor): Tensor {
  const centred = mean === 0 ? x : sub(x, mean);
  return mul(square(sd === 1 ? centred : div(centred, sd)), -0.5);
}

/** What is taken from it: `log(sd) + log(2 pi) / 2`, a number where the standard deviation is one. */
export function logNormalizer<S extends number | Tensor>(sd: S): S extends Tensor ? Tensor : number;
export function logNormalizer(sd: number | Tensor): number | Tensor {
  return sd instanceof Tensor ? add(log(sd), halfLogTwoPi) : Math.log(sd) + halfLogTwoPi;
}
