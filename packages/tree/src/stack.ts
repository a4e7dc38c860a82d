import { stack as stackTensors, type Tensor, tidy, unstack as unstackTensor } from '@tensorflow/tfjs-core';
import { build } from './flatten.ts';
import { align } from './mismatch.ts';
import { structurePaths } from './path.ts';
import { flattenTensors } from './tensors.ts';
import type { TensorTree } from './types.ts';

/**
 * One tree from many, as for chains: each leaf of shape `[...]` becomes `[n, ...]`. The leaves are new tensors.
 *
 * @throws when there is no tree, or when the trees differ in structure or in the shape of a leaf.
 */
export function stack<T extends TensorTree>(trees: readonly T[]): T {
  const [first, ...others] = trees;
  if (first === undefined) throw new Error('tree.stack: there are no trees to stack; pass at least one');
  const { leaves, structure } = flattenTensors('tree.stack', first);
  const { rest } = align('tree.stack', first, others);
  const rows = [leaves, ...(rest as Tensor[][])];
  leaves.forEach((leaf, i) => {
    const other = rows.find((row) => `${row[i]?.shape}` !== `${leaf.shape}`)?.[i];
    if (other) {
      throw new Error(
        `tree.stack: shapes differ at ${structurePaths(structure)[i]}: [${leaf.shape}] vs [${other.shape}]; ` +
          'only trees of equal shapes can be stacked',
      );
    }
  });
  const stacked = tidy(() => leaves.map((_, i) => stackTensors(rows.map((row) => row[i] as Tensor))));
  return build(structure, stacked, 0) as T;
}

/**
 * The inverse of `stack`: the trees along the leading axis of the leaves. Their leaves are new tensors.
 *
 * @throws when there is no leaf, when a leaf is a scalar, or when the leading axes differ in length.
 */
export function unstack<T extends TensorTree>(tree: T): T[] {
  const { leaves, structure } = flattenTensors('tree.unstack', tree);
  const count = leaves[0]?.shape[0];
  const odd = leaves.findIndex((leaf) => leaf.shape[0] === undefined || leaf.shape[0] !== count);
  if (count === undefined || odd >= 0) {
    const where = odd >= 0 ? `shape [${leaves[odd]?.shape}] at ${structurePaths(structure)[odd]}` : 'no leaves';
    throw new Error(`tree.unstack: expected leaves with one common leading axis, got ${where}; stack makes such trees`);
  }
  const columns = tidy(() => leaves.flatMap((leaf) => unstackTensor(leaf)));
  return Array.from({ length: count }, (_, row) => {
    const own = leaves.map((_, i) => columns[i * count + row]);
    return build(structure, own, 0) as T;
  });
}
