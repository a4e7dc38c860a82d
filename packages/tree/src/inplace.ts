import { clone, Tensor, tidy, Variable } from '@tensorflow/tfjs-core';
import { type Container, kindOf, setField, sortedKeys } from './container.ts';
import { map } from './map.ts';
import { align, describe } from './mismatch.ts';
import { root, structurePaths } from './path.ts';
import type { TensorTree } from './types.ts';

/** Where a leaf lies: `holder[key]`. */
interface Slot {
  readonly holder: Record<string, unknown>;
  readonly key: string;
}

/** An instance of a registered class; `parts.children` is what it consists of. */
interface Owner {
  readonly container: Container;
  readonly instance: unknown;
  readonly parts: { readonly children: unknown };
}

interface Places {
  readonly slots: Slot[];
  readonly owners: Owner[];
}

function findPlaces(holder: object, key: string, places: Places): void {
  const fields = holder as Record<string, unknown>;
  const node = fields[key];
  const kind = kindOf(node);
  if (kind === 'leaf') places.slots.push({ holder: fields, key });
  else if (kind === 'array')
    for (let i = 0; i < (node as unknown[]).length; i++) findPlaces(node as object, `${i}`, places);
  else if (kind === 'object') for (const name of sortedKeys(node as object)) findPlaces(node as object, name, places);
  else if (kind !== 'null') {
    const parts = { children: kind.rule.flatten(node).children };
    findPlaces(parts, 'children', places);
    places.owners.push({ container: kind, instance: node, parts });
  }
}

/** Writes values into slots and lets the owners adopt them. When one cannot be written, all are as they were. */
function write(caller: string, places: Places, values: readonly unknown[], old: readonly unknown[]): void {
  const { slots, owners } = places;
  let written = 0;
  try {
    for (; written < slots.length; written++) put(slots[written] as Slot, values[written], old[written]);
    for (const owner of owners) adopt(owner);
  } catch (error) {
    for (let i = 0; i < written; i++) put(slots[i] as Slot, old[i], values[i]);
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

function put({ holder, key }: Slot, value: unknown, current: unknown): void {
  if (value !== current) setField(holder, key, value);
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
  const { leaves, structure, rest } = align(caller, tree, others);
  if (structure.kind === 'leaf' && !(tree instanceof Variable)) {
    throw new Error(
      `${caller}: the tree is a single ${describe(tree)}, which has no container to hold the new leaf; ` +
        'put it in an array or object, make it a tf.Variable, or use the function that is not in place',
    );
  }
  const places: Places = { slots: [], owners: [] };
  findPlaces({ tree }, 'tree', places);
  for (const { container } of places.owners) {
    if (!container.rule.assign) {
      throw new Error(
        `${caller}: ${container.name} cannot be changed in place; give its rule an assign(instance, children)`,
      );
    }
  }

  // What is made in here and not returned is disposed: intermediates, and the values that variables took over.
  const results = tidy(() => {
    const values: unknown[] = [];
    const assignments: [variable: Variable, value: Tensor][] = [];
    for (let i = 0; i < leaves.length; i++) {
      const leaf = leaves[i];
      const restLeaves = rest.map((other) => other[i]);
      const value = next(i, leaf, restLeaves);
      if (value === leaf) values.push(leaf);
      else if (leaf instanceof Variable) {
        if (!fits(leaf, value)) throw misfit(caller, structurePaths(structure)[i] ?? root, leaf, value);
        assignments.push([leaf, value]);
        values.push(leaf);
      } else {
        // A leaf of another tree stays that tree's: this one holds a reference of its own.
        values.push(value instanceof Tensor && restLeaves.includes(value) ? clone(value) : value);
      }
    }
    write(caller, places, values, leaves);
    for (const [variable, value] of assignments) variable.assign(value);
    return places.slots.map(({ holder, key }) => holder[key]).filter((value) => value instanceof Tensor);
  });
  const kept = new Set<unknown>(results);
  for (const leaf of leaves) if (leaf instanceof Tensor && !kept.has(leaf)) leaf.dispose();
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
