import { currentTrace, record } from '@posteriors/backend';
import { map, type TensorTree } from '@posteriors/tree';
import type { Tensor } from '@tensorflow/tfjs-core';

/** The same values, as constants to every derivative. Outside of a transform, where there is none, it returns its argument. */
export function stopGradient<T extends TensorTree>(tree: T): T {
  if (currentTrace() === null) return tree;
  return map((leaf: Tensor) => record('StopGradient', [leaf]), tree);
}
