import { clone, type Tensor, Variable } from '@tensorflow/tfjs-core';
import { kindOf } from './container.ts';
import { build } from './flatten.ts';
import { map } from './map.ts';
import { describe } from './mismatch.ts';
import { fieldPath, itemPath, root } from './path.ts';
import { type Chooser, choose, extractChosen, insertChosen, insertChosenInplace } from './select.ts';
import type { Structure } from './structure.ts';
import { flattenTensors } from './tensors.ts';
import type { LeafPredicate, MapLeaves, TensorTree, Tree } from './types.ts';

/**
 * Which leaves are inferred; the others are frozen. A predicate, or a tree of booleans of the structure of the
 * parameters, in which one boolean may stand for a whole subtree: `{encoder: false, head: true}`.
 */
export type Mask = LeafPredicate | Tree<boolean>;

/** The default mask: everything but the Variables that were made with `trainable: false`. */
export function isTrainable(leaf: Tensor): boolean {
  return !(leaf instanceof Variable) || leaf.trainable;
}

function chooseByMask(caller: string, mask: Mask): Chooser {
  if (typeof mask === 'function') return choose(mask);
  return (_, structure) => {
    const chosen: boolean[] = [];
    spread(caller, mask, structure, root, chosen);
    return chosen;
  };
}

/** One boolean for each leaf of the structure, appended to `chosen`. */
function spread(caller: string, mask: unknown, structure: Structure, path: string, chosen: boolean[]): void {
  if (typeof mask === 'boolean') {
    for (let i = 0; i < structure.leafCount; i++) chosen.push(mask);
    return;
  }
  const { kind, keys, children } = structure;
  const maskKind = kindOf(mask);
  if (kind === 'container') {
    spread(caller, mask, children[0] as Structure, path, chosen);
    return;
  }
  if (kind === 'null' && maskKind === 'null') return;
  if (kind === 'array' && maskKind === 'array' && (mask as readonly unknown[]).length === children.length) {
    children.forEach((child, i) => {
      spread(caller, (mask as readonly unknown[])[i], child, itemPath(path, i), chosen);
    });
    return;
  }
  const fields = mask as Record<string, unknown>;
  if (kind === 'object' && maskKind === 'object' && Object.keys(fields).length === children.length) {
    if (keys.every((key) => Object.hasOwn(fields, key))) {
      children.forEach((child, i) => {
        const key = keys[i] as string;
        spread(caller, fields[key], child, fieldPath(path, key), chosen);
      });
      return;
    }
  }
  throw new Error(
    `${caller}: the mask at ${path} is ${describe(mask)}, expected ${expected(structure)}; ` +
      'give it the structure of the tree with true or false for each leaf or subtree',
  );
}

function expected({ kind, keys, children }: Structure): string {
  if (kind === 'array') return `boolean or [${children.length} ${children.length === 1 ? 'item' : 'items'}]`;
  if (kind === 'object') return `boolean or {${keys.join(', ')}}`;
  return kind === 'null' ? 'boolean or null' : 'boolean';
}

/** What a mask chooses: a tree of the same structure, with whether each leaf is inferred. */
export function resolveMask<T extends TensorTree>(tree: T, mask: Mask = isTrainable): MapLeaves<T, boolean> {
  const { leaves, structure } = flattenTensors('tree.resolveMask', tree);
  const chosen = chooseByMask('tree.resolveMask', mask)(leaves, structure);
  return build(structure, chosen, 0) as MapLeaves<T, boolean>;
}

/** `extract` by mask: frozen leaves become empty tensors. */
export function extractTrainable<T extends TensorTree>(tree: T, mask: Mask = isTrainable): T {
  return extractChosen('tree.extractTrainable', tree, chooseByMask('tree.extractTrainable', mask));
}

/** `insert` by mask: the tree with its trainable leaves taken from `sub`. */
export function insertTrainable<T extends TensorTree>(full: T, sub: NoInfer<T>, mask: Mask = isTrainable): T {
  return insertChosen('tree.insertTrainable', full, sub, chooseByMask('tree.insertTrainable', mask));
}

/** `insertInplace` by mask: writes the trainable leaves of `sub` into `full` and returns `full`. */
export function insertTrainableInplace<T extends TensorTree>(full: T, sub: NoInfer<T>, mask: Mask = isTrainable): T {
  const caller = 'tree.insertTrainableInplace';
  return insertChosenInplace(caller, full, sub, chooseByMask(caller, mask));
}

/** What `extractTrainableAndFunction` returns. */
export interface TrainableFunction<T, A extends readonly unknown[], B> {
  /** The tree with its frozen leaves emptied. */
  readonly subtree: T;
  /** The function of the trainable leaves alone. */
  readonly subfunction: (subtree: T, ...args: A) => B;
}

/**
 * Inference over some parameters (a last layer, say): the trainable part of a tree, and `fn` as a function of that part
 * with the frozen leaves of `tree` filled in: `subfunction(sub, ...args) = fn(insertTrainable(tree, sub, mask), ...args)`.
 * The mask is resolved once. The frozen leaves must live as long as `subfunction` is used.
 *
 * @param options `inplace: true` writes the trainable leaves into `tree` at each call (see `insertInplace`), so that
 *   `tree` follows the inference; it is not for functions that are traced, differentiated or compiled. Default false.
 */
export function extractTrainableAndFunction<T extends TensorTree, A extends readonly unknown[], B>(
  tree: T,
  mask: Mask,
  fn: (tree: T, ...args: A) => B,
  options: { readonly inplace?: boolean } = {},
): TrainableFunction<T, A, B> {
  const caller = 'tree.extractTrainableAndFunction';
  let resolved: boolean[] = [];
  const extracted = extractChosen(caller, tree, (leaves, structure) => {
    resolved = chooseByMask(caller, mask)(leaves, structure);
    return resolved;
  });
  // In place the first call disposes the tree's own leaves, which the subtree must outlive.
  const subtree = options.inplace ? map((leaf) => (leaf.size > 0 ? clone(leaf) : leaf), extracted) : extracted;
  const insertion = options.inplace ? insertChosenInplace : insertChosen;
  const subfunction = (sub: T, ...args: A): B =>
    fn(
      insertion(caller, tree, sub, () => resolved),
      ...args,
    );
  return { subtree, subfunction };
}
