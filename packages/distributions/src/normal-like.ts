import { evaluate } from '@posteriors/autodiff';
import { type Key, normal, split } from '@posteriors/random';
import { flatten, type TensorTree, unflatten } from '@posteriors/tree';

export interface SampleOptions {
  /** Axes in front of those of each leaf: how many draws. Default `[]`, one draw. */
  readonly sampleShape?: readonly number[];
}

/**
 * Independent standard normal numbers in the form of a tree, float32.
 *
 * Leaf `i` of `n`, in the order of the leaves, is drawn with key `i` of `split(key, n)`; so the numbers of a leaf depend on its place in
 * that order, on its shape and on nothing else.
 *
 * @param key a key on the host, or an int32 tensor `[2]`. A tensor of keys `[...batch, 2]` puts the batch axes in front of all others.
 * @param tree gives structure and shapes; its values are not read.
 * @returns a tree of leaves `[...sampleShape, ...leaf.shape]`, which the caller owns.
 */
export function normalLike<P extends TensorTree>(key: Key, tree: P, { sampleShape = [] }: SampleOptions = {}): P {
  return evaluate('distributions.normalLike', () => {
    const { leaves, structure } = flatten<TensorTree>(tree);
    if (leaves.length === 0) return tree;
    const keys = split(key, leaves.length);
    const draws = leaves.map(({ shape }, i) => normal(keys[i] as Key, [...sampleShape, ...shape]));
    return unflatten(structure, draws) as P;
  });
}
