import { flatten, unflatten } from '@posteriors/tree';
import { Tensor } from '@tensorflow/tfjs-core';

/** What of a tree is sliced along axis 0. */
export interface Sliced<X> {
  /** The tensors that have an axis 0. */
  readonly tensors: readonly Tensor[];
  /** The tree with others in their places; scalars and what is no tensor stay. */
  readonly withTensors: (parts: readonly Tensor[]) => X;
}

export function slicesOf<X>(tree: X): Sliced<X> {
  const { leaves, structure } = flatten<unknown>(tree);
  const isSliced = (leaf: unknown): leaf is Tensor => leaf instanceof Tensor && leaf.rank > 0;
  return {
    tensors: leaves.filter(isSliced),
    withTensors(parts) {
      let next = 0;
      const replaced = leaves.map((leaf) => (isSliced(leaf) ? parts[next++] : leaf));
      return unflatten(structure, replaced) as X;
    },
  };
}
