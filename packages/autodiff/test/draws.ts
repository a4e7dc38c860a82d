// How inputs of cases are drawn.
import type * as tf from '@tensorflow/tfjs-core';

type Tensor = tf.Tensor;

/** How one input is drawn: its dtype, and one element from a source of uniform numbers in [0, 1). */
export interface Draw {
  readonly dtype: 'float32' | 'int32' | 'bool';
  element(uniform: () => number, index: number, size: number): number;
}

export interface Case {
  readonly name: string;
  readonly kernel: string;
  readonly f: (...inputs: Tensor[]) => Tensor;
  readonly draws: readonly Draw[];
  readonly shapes: readonly (readonly number[])[];
}

/** Real numbers between `low` and `high` that are at least 0.1 away from the numbers `avoid`. */
export function real(low: number, high: number, ...avoid: number[]): Draw {
  const element = (uniform: () => number): number => {
    const value = Math.fround(low + (high - low) * uniform());
    return avoid.some((kink) => Math.abs(value - kink) < 0.1) ? element(uniform) : value;
  };
  return { dtype: 'float32', element };
}

/** Real numbers between -2 and 2 near `offset` plus halves, so that two of them with other offsets never meet. */
export function near(offset: number): Draw {
  return {
    dtype: 'float32',
    element: (uniform) => Math.fround(Math.floor(uniform() * 8) / 2 - 2 + offset + 0.1 * (uniform() - 0.5)),
  };
}

/** Real numbers of which no two of one tensor are closer than 0.1. */
export const distinct: Draw = {
  dtype: 'float32',
  // The multiples of a prime that does not divide it are all numbers below a number.
  element(uniform, index, size) {
    const prime = [7, 5, 3].find((each) => (size + 1) % each !== 0) ?? 11;
    return Math.fround((((index + 1) * prime) % (size + 1)) / 4 - 1 + 0.05 * uniform());
  },
};

export function integer(low: number, high: number): Draw {
  return { dtype: 'int32', element: (uniform) => low + Math.floor(uniform() * (high - low)) };
}

export const bool: Draw = { dtype: 'bool', element: (uniform) => Number(uniform() < 0.5) };
