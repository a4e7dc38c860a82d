import { map, type TensorTree } from '@posteriors/tree';
import { add } from '@tensorflow/tfjs-core';

/**
 * The parameters after a step: `params + updates`, leaf by leaf, as new tensors.
 *
 * @throws if the trees differ in structure.
 */
export function applyUpdates<P extends TensorTree>(params: P, updates: P): P {
  return map((p, u) => add(p, u), params, updates);
}
