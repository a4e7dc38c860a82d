import { flatten, hasStructure, paths, printStructure, structure, type TensorTree } from '@posteriors/tree';
import { Tensor } from '@tensorflow/tfjs-core';

/**
 * One value for each leaf of `tree` from what may be given for all of it: a number or a scalar tensor, which stands for every element, or
 * a tree of the same structure. Which of the two it is never depends on how many elements there are.
 *
 * @throws unless it is one of these, and each leaf of such a tree broadcasts to the leaf of `tree`.
 */
export function spread(
  name: string,
  what: string,
  given: number | TensorTree,
  like: string,
  tree: TensorTree,
): (number | Tensor)[] {
  const { leaves } = flatten(tree);
  if (typeof given === 'number' || (given instanceof Tensor && given.rank === 0)) return leaves.map(() => given);
  if (!hasStructure(given, structure(tree))) {
    const [has, needs] = [given, tree].map((each) => printStructure(structure(each)));
    throw new Error(
      `${name}: ${what} has the structure ${has} and ${like} has ${needs}; give a number, a scalar tensor, or a tree like ${like}`,
    );
  }
  const values = flatten(given).leaves;
  values.forEach((value, i) => {
    const { shape } = leaves[i] as Tensor;
    if (!broadcasts(value.shape, shape)) {
      const path = paths(tree)[i];
      throw new Error(
        `${name}: ${what} ${path} has shape [${value.shape}], which does not broadcast to the shape [${shape}] of ${like} ${path}`,
      );
    }
  });
  return values;
}

function broadcasts(from: readonly number[], to: readonly number[]): boolean {
  const offset = to.length - from.length;
  return offset >= 0 && from.every((size, axis) => size === 1 || size === to[axis + offset]);
}
