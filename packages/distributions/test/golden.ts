// Golden numbers of PyTorch; tooling/golden/distributions_golden.py regenerates them.
import { type Tensor, tensor } from '@tensorflow/tfjs-core';
import golden from './golden/distributions.json' with { type: 'json' };

export { golden };

type Nested = number | readonly Nested[];

/** A tensor of nested arrays; a bare number stays one unless it is a leaf of an object. */
export const asTensor = (values: unknown): Tensor => tensor(values as number[], undefined, 'float32');

/** The trees of a golden case: numbers as they are, arrays and objects of arrays as tensors. */
export function asTree(
  given: Nested | { readonly [key: string]: unknown },
): number | Tensor | { [key: string]: Tensor } {
  if (typeof given === 'number') return given;
  if (Array.isArray(given)) return asTensor(given);
  return Object.fromEntries(Object.entries(given).map(([key, values]) => [key, asTensor(values)]));
}
