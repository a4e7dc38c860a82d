import { Tensor } from '@tensorflow/tfjs-core';
import { flatten } from './flatten.ts';
import { describe } from './mismatch.ts';
import { structurePaths } from './path.ts';

/**
 * The number of elements in all leaves together: those of tensors and typed arrays; a number or boolean counts 1.
 *
 * @throws when a leaf is something else, such as a string.
 */
export function size(tree: unknown): number {
  const { leaves, structure } = flatten<unknown>(tree);
  let total = 0;
  for (let i = 0; i < leaves.length; i++) {
    const count = leafSize(leaves[i]);
    if (count === null) {
      const path = structurePaths(structure)[i];
      throw new Error(
        `tree.size: the leaf at ${path} is ${describe(leaves[i])}, expected Tensor, typed array, number or boolean; ` +
          'leave it out of the tree',
      );
    }
    total += count;
  }
  return total;
}

function leafSize(leaf: unknown): number | null {
  if (leaf instanceof Tensor) return leaf.size;
  if (typeof leaf === 'number' || typeof leaf === 'boolean') return 1;
  if (ArrayBuffer.isView(leaf) && 'length' in leaf) return leaf.length as number;
  return null;
}
