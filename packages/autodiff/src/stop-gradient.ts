import { currentTrace, record } from '@posteriors/backend';
import { map, type TensorTree } from '@posteriors/tree';
import { clone, type Tensor } from '@tensorflow/tfjs-core';

/** The same values, as constants to every derivative. The tensors returned are new ones, which share their data with those given. */
export function stopGradient<T extends TensorTree>(tree: T): T {
  const inTrace = currentTrace() !== null;
  return map((leaf: Tensor) => (inTrace ? record('StopGradient', [leaf]) : clone(leaf)), tree);
}
