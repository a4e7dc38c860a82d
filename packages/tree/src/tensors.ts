import { Tensor } from '@tensorflow/tfjs-core';
import { flatten } from './flatten.ts';
import { describe } from './mismatch.ts';
import { structurePaths } from './path.ts';
import type { Structure } from './structure.ts';

/** A tree of tensors taken apart. */
export interface FlatTensors {
  readonly leaves: Tensor[];
  readonly structure: Structure;
}

/** `flatten` for functions that take tensors alone: any other leaf is an error that names its path. */
export function flattenTensors(caller: string, tree: unknown): FlatTensors {
  const { leaves, structure } = flatten<unknown>(tree);
  for (let i = 0; i < leaves.length; i++) {
    if (!(leaves[i] instanceof Tensor)) {
      const path = structurePaths(structure)[i];
      throw new Error(
        `${caller}: the leaf at ${path} is ${describe(leaves[i])}, expected Tensor; make it one with tf.tensor`,
      );
    }
  }
  return { leaves: leaves as Tensor[], structure };
}
