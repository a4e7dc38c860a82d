import { add, cast, div, equal, sub, type Tensor } from '@tensorflow/tfjs-core';
import { transposed } from './matrix.ts';

/** 1 / x, and 0 where x is 0; so are all derivatives there. */
export function reciprocalOrZero(x: Tensor): Tensor {
  const zero = cast(equal(x, 0), 'float32');
  return div(sub(1, zero), add(x, zero));
}

/** `[..., 1, n]` to `[..., n, n]`: element i, j is `1 / (x_j - x_i)`, and 0 where the two are equal. */
export function reciprocalDifferences(x: Tensor): Tensor {
  return reciprocalOrZero(sub(x, transposed(x)));
}
