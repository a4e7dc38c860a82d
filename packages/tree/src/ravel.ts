import { concat, reshape, slice, type Tensor, type Tensor1D, tidy, zeros } from '@tensorflow/tfjs-core';
import { build } from './flatten.ts';
import { structurePaths } from './path.ts';
import { type FlatTensors, flattenTensors } from './tensors.ts';
import type { TensorTree } from './types.ts';

/** A tree of tensors as one vector, and the way back. */
export interface Raveled<T> {
  /** All elements, shape `[n]`: leaf after leaf in the order of `flatten`, each in row-major order. */
  readonly flat: Tensor1D;
  /** The tree of a vector of shape `[n]` and of the dtype of `flat`; throws for any other. Its leaves are new tensors. */
  readonly unravel: (flat: Tensor) => T;
}

/**
 * Lays a tree of tensors out as one vector. A tree without elements gives a vector of shape `[0]`. The vector is a new
 * tensor and the caller's to dispose, even for a tree of one vector.
 *
 * @throws when a leaf is no tensor, or when leaves with elements differ in dtype: a cast would lose integers.
 */
export function ravel<T extends TensorTree>(tree: T): Raveled<T> {
  const parts = flattenTensors('tree.ravel', tree);
  const { leaves, structure } = parts;
  const dtype = commonDtype(parts);
  const shapes = leaves.map((leaf) => leaf.shape);
  const sizes = leaves.map((leaf) => leaf.size);
  const dtypes = leaves.map((leaf) => leaf.dtype);
  const length = sizes.reduce((total, size) => total + size, 0);

  const flat = tidy(() => {
    const vectors = leaves.filter((leaf) => leaf.size > 0).map((leaf) => reshape(leaf, [leaf.size]));
    return (vectors.length > 0 ? concat(vectors) : zeros([0], dtype)) as Tensor1D;
  });

  const unravel = (vector: Tensor): T => {
    if (vector.rank !== 1 || vector.size !== length || vector.dtype !== dtype) {
      throw new Error(
        `tree.ravel: unravel takes ${dtype} of shape [${length}], got ${vector.dtype} of shape [${vector.shape}]; ` +
          'reshape or cast it first',
      );
    }
    const pieces = tidy(() => {
      let offset = 0;
      return sizes.map((size, i) => {
        const shape = shapes[i] as number[];
        if (size === 0) return zeros(shape, dtypes[i]);
        const piece = reshape(slice(vector, offset, size), shape);
        offset += size;
        return piece;
      });
    });
    return build(structure, pieces, 0) as T;
  };
  return { flat, unravel };
}

/** The dtype of the leaves that have elements; leaves without any do not count unless there are no others. */
function commonDtype({ leaves, structure }: FlatTensors): Tensor['dtype'] {
  const first = Math.max(
    0,
    leaves.findIndex((leaf) => leaf.size > 0),
  );
  const dtype = leaves[first]?.dtype ?? 'float32';
  const other = leaves.findIndex((leaf) => leaf.size > 0 && leaf.dtype !== dtype);
  if (other >= 0) {
    const paths = structurePaths(structure);
    throw new Error(
      `tree.ravel: leaves differ in dtype: ${dtype} at ${paths[first]} vs ${leaves[other]?.dtype} at ${paths[other]}; ` +
        'cast them to one dtype or extract those of one dtype',
    );
  }
  return dtype;
}
