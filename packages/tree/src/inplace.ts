import { clone, Tensor, tidy, Variable } from '@tensorflow/tfjs-core';
import { type Container, kindOf, setField, sortedKeys } from './container.ts';
import { map } from './map.ts';
import { align, describe } from './mismatch.ts';
import { paths, root } from './path.ts';
import type { TensorTree } from './types.ts';

/** An instance of a registered class; `parts.children` is what it consists of. */
interface Owner {
  readonly container: Container;
  readonly instance: unknown;
  readonly parts: { readonly children: unknown };
}

/** Where the leaves of a tree lie: leaf i is `holders[i][keys[i]]`. */
interface Places {
  readonly holders: Fields[];
  readonly keys: (string | number)[];
  readonly owners: Owner[];
}

/** An object or an array. */
type Fields = Record<string | number, unknown>;

function findPlaces(holder: object, key: string | number, places: Places): void {
  const fields = holder as Fields;
  const node = fields[key];
  const kind = kindOf(node);
  if (kind === 'leaf') {
    places.holders.push(fields);
    places.keys.push(key);
  } else if (kind === 'array')
    for (let i = 0; i < (node as unknown[]).length; i++) findPlaces(node as object, i, places);
  else if (kind === 'object') for (const name of sortedKeys(node as object)) findPlaces(node as object, name, places);
  else if (kind !== 'null') {
    const parts = { children: kind.rule.flatten(node).children };
    findPlaces(parts, 'children', places);
    places.owners.push({ container: kind, instance: node, parts });
  }
}

/** Writes values into their places and lets the owners adopt them. When one cannot be written, all are as they were. */
function write(caller: string, places: Places, values: readonly unknown[], old: readonly unknown[]): void {
  const { owners } = places;
  let written = 0;
  try {
    for (; written < places.holders.length; written++) put(places, written, values[written], old[written]);
    for (const owner of owners) adopt(owner);
  } catch (error) {
    for (let i = 0; i < written; i++) put(places, i, old[i], values[i]);
    for (const owner of owners) {
      try {
        adopt(owner);
      } catch {
        // The owner that refused the new children refuses the old ones too; it has them already.
      }
    }
    const remedy = 'a frozen tree cannot be changed, use the function that is not in place';
    throw new Error(`${caller}: the new leaves could not be written (${(error as Error).message}); ${remedy}`, {
      cause: error,
    });
  }
}

function adopt({ container, instance, parts }: Owner): void {
  container.rule.assign?.(instance, parts.children);
}

function put({ holders, keys }: Places, i: number, value: unknown, current: unknown): void {
  if (value !== current) setField(holders[i] as Fields, keys[i] as string, value);
}

/** The places of a tree that can be changed in place. */
function placesOf(caller: string, tree: unknown): Places {
  if (kindOf(tree) === 'leaf' && !(tree instanceof Variable)) {
    throw new Error(
      `${caller}: the tree is a single ${describe(tree)}, which has no container to hold the new leaf; ` +
        'put it in an array or object, make it a tf.Variable, or use the function that is not in place',
    );
  }
  const places: Places = { holders: [], keys: [], owners: [] };
  findPlaces({ tree }, 'tree', places);
  for (const { container } of places.owners) {
    if (!container.rule.assign) {
      throw new Error(
        `${caller}: ${container.name} cannot be changed in place; give its rule an assign(instance, children)`,
      );
    }
  }
  return places;
}

/** The leaves that a tree has now. */
function leavesAt({ holders, keys }: Places): unknown[] {
  const found: unknown[] = [];
  for (let i = 0; i < holders.length; i++) found.push((holders[i] as Fields)[keys[i] as string]);
  return found;
}

/** Puts each value in the place of a leaf, or, where that is a variable, into it. Returns the leaves that the tree has then. */
function putValues(
  caller: string,
  tree: unknown,
  places: Places,
  leaves: readonly unknown[],
  values: readonly unknown[],
): unknown[] {
  const assigned: number[] = [];
  const held: unknown[] = [];
  for (let i = 0; i < values.length; i++) {
    const [leaf, value] = [leaves[i], values[i]];
    if (!(leaf instanceof Variable) || value === leaf) held.push(value);
    else if (!fits(leaf, value)) throw misfit(caller, paths(tree)[i] ?? root, leaf, value);
    else {
      assigned.push(i);
      held.push(leaf);
    }
  }
  write(caller, places, held, leaves);
  for (const i of assigned) (leaves[i] as Variable).assign(values[i] as Tensor);
  return leavesAt(places);
}

/**
 * Replaces each leaf by `next(leaf, ...restLeaves)`, called in the order of the leaves, in the tree itself. All or
 * nothing: until every new leaf is there and fits, the tree is untouched, and whatever fails, what was made is disposed.
 */
export function replaceLeaves(
  caller: string,
  next: (index: number, leaf: unknown, rest: readonly unknown[]) => unknown,
  tree: unknown,
  others: readonly unknown[],
): void {
  const rest = others.length === 0 ? others : align(caller, tree, others).rest;
  const places = placesOf(caller, tree);
  const leaves = leavesAt(places);
  // What is made in here and not returned is disposed: intermediates, and the values that variables took over.
  const results = tidy(() => {
    const values = leaves.map((leaf, i) => {
      const restLeaves = (rest as readonly unknown[][]).map((other) => other[i]);
      const value = next(i, leaf, restLeaves);
      // A leaf of another tree stays that tree's: this one holds a reference of its own.
      const isShared = value !== leaf && value instanceof Tensor && restLeaves.includes(value);
      return isShared && !(leaf instanceof Variable) ? clone(value) : value;
    });
    return putValues(caller, tree, places, leaves, values).filter((value) => value instanceof Tensor);
  });
  const kept = new Set<unknown>(results);
  for (const leaf of leaves) if (leaf instanceof Tensor && !kept.has(leaf)) leaf.dispose();
}

/**
 * Hands a tree new tensors, one for each leaf, none of which it has already. Where a leaf is a variable it is assigned the new value, which is
 * disposed; other leaves are disposed. If that fails the tree is untouched, and the tensors stay the caller's.
 */
export function giveLeaves(caller: string, tree: unknown, tensors: readonly Tensor[]): void {
  const places = placesOf(caller, tree);
  const leaves = leavesAt(places);
  const held = putValues(caller, tree, places, leaves, tensors);
  for (let i = 0; i < held.length; i++) {
    if (held[i] !== tensors[i]) (tensors[i] as Tensor).dispose();
    const leaf = leaves[i];
    if (held[i] !== leaf && leaf instanceof Tensor) leaf.dispose();
  }
}

function fits(variable: Variable, value: unknown): value is Tensor {
  return value instanceof Tensor && value.dtype === variable.dtype && `${value.shape}` === `${variable.shape}`;
}

function misfit(caller: string, path: string, variable: Variable, value: unknown): Error {
  const got = value instanceof Tensor ? `${value.dtype} of shape [${value.shape}]` : describe(value);
  return new Error(
    `${caller}: the leaf at ${path} is a Variable, ${variable.dtype} of shape [${variable.shape}], and cannot take ${got}; ` +
      'return a tensor of the same dtype and shape',
  );
}

/**
 * `map` that changes the tree itself and returns it. In each place where `f` returns another tensor, the container takes
 * the new one and the old one is disposed; a `tf.Variable` is assigned the new value and stays. Where `f` returns the
 * leaf itself nothing happens, and where it returns a leaf of `rest` the tree gets a reference of its own, so that the
 * other tree stays whole. What else `f` makes is disposed, as in `tf.tidy`; the new leaves belong to the tree, and inside
 * a `tf.tidy` of the caller's they end with it unless the caller keeps or returns them.
 *
 * If anything fails, the tree is untouched and what was made is disposed.
 *
 * @throws when the trees differ in structure, when the tree is itself a tensor and no Variable, when a Variable cannot
 *   take its new value, when a registered class has no `assign`, or when a container is frozen.
 */
export function mapInplace<T extends TensorTree, R extends readonly T[]>(
  f: (leaf: Tensor, ...rest: { [K in keyof R]: Tensor }) => Tensor,
  tree: T,
  ...rest: R
): T {
  const call = f as (leaf: unknown, ...rest: readonly unknown[]) => Tensor;
  replaceLeaves('tree.mapInplace', (_, leaf, restLeaves) => call(leaf, ...restLeaves), tree, rest);
  return tree;
}

/** `mapInplace` with `inplace: true`, else `map` (the default). */
export function flexiMap<T extends TensorTree, R extends readonly T[]>(
  options: { readonly inplace?: boolean },
  f: (leaf: Tensor, ...rest: { [K in keyof R]: Tensor }) => Tensor,
  tree: T,
  ...rest: R
): T {
  return options.inplace ? mapInplace<T, R>(f, tree, ...rest) : map<T, R>(f, tree, ...rest);
}
