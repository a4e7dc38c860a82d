/** Drawing from a normal distribution that is given by its precision. */

import type { SampleOptions } from '@posteriors/distributions';
import type { InitOptions } from '@posteriors/transform';
import type { Tensor } from '@tensorflow/tfjs-core';

/** What a draw depends on besides the state: `sampleShape`, and a `seed` or a `key`; without either the key comes from `crypto`. */
export interface DrawOptions extends SampleOptions, InitOptions {
  /** The variances are multiplied by it, not negative. Default 1. */
  readonly temperature?: number | Tensor;
}

/** Below this a precision is said to be near zero: the standard deviation is above 1,000. */
const NEAR_ZERO = 1e-6;

/** The states whose user was told of a precision near zero. */
const warned = new WeakSet<object>();

/**
 * Looks at the precisions of single parameters before a draw, tensors with their names. Warns, once a state, where one is near zero.
 *
 * @throws unless they are all positive.
 */
export function requirePrecision(
  name: string,
  state: object,
  precisions: readonly (readonly [what: string, values: Tensor])[],
): void {
  for (const [what, tensor] of precisions) {
    const values = tensor.dataSync();
    const wrong = values.findIndex((value) => !(value > 0));
    if (wrong >= 0) throw notPositive(what, wrong, values[wrong] as number);
    const small = values.findIndex((value) => value < NEAR_ZERO);
    if (small < 0 || warned.has(state)) continue;
    warned.add(state);
    console.warn(
      `${name}: ${what} is near zero: element ${small} is ${values[small]}, a standard deviation of ${(values[small] as number) ** -0.5}. ` +
        'The data say next to nothing about it here, and a draw is far from the mean: give the precision of a prior as the initial precision.',
    );
  }
}

function notPositive(what: string, element: number, value: number): Error {
  const advice = Number.isNaN(value)
    ? 'a log density of a batch has no finite derivatives at the parameters'
    : value < 0
      ? 'the log density curves upwards there: move the parameters to a maximum first, or take a Fisher or Gauss-Newton approximation'
      : 'give the precision of a prior as the initial precision, or update with data that depend on it';
  return new Error(`${what} is ${value} at element ${element} and must be positive: ${advice}`);
}
