import type { Tensor } from '@tensorflow/tfjs-core';
import { kindOf, setField, sortedKeys } from './container.ts';
import { sameAux } from './static.ts';
import type { Structure } from './structure.ts';
import type { LeafOf, MapLeaves, TensorTree } from './types.ts';

const noKeys: readonly string[] = [];
const noChildren: readonly Structure[] = [];
const leafStructure: Structure = node('leaf', 1, noKeys, noChildren);
const nullStructure: Structure = node('null', 0, noKeys, noChildren);

function node(
  kind: Structure['kind'],
  leafCount: number,
  keys: readonly string[],
  children: readonly Structure[],
  container: Structure['container'] = null,
  aux: unknown = undefined,
): Structure {
  return { kind, leafCount, keys, children, container, aux };
}

/** A tree taken apart. */
export interface Flat<T> {
  readonly leaves: LeafOf<T>[];
  readonly structure: Structure<T>;
}

/**
 * Takes a tree apart into its leaves and its structure. Arrays go by index, plain objects by sorted key (by code unit, so
 * `'10'` comes before `'2'`), whatever order their keys were written in. `null` has no leaf; everything else that is not
 * an array, a plain object or an instance of a registered class is a leaf: tensors, numbers, typed arrays, `undefined`.
 */
export function flatten<T>(tree: T): Flat<T> {
  const leaves: unknown[] = [];
  const structure = collect(tree, leaves);
  return { leaves: leaves as LeafOf<T>[], structure: structure as Structure<T> };
}

function collect(tree: unknown, leaves: unknown[]): Structure {
  const kind = kindOf(tree);
  if (kind === 'leaf') {
    leaves.push(tree);
    return leafStructure;
  }
  if (kind === 'null') return nullStructure;
  const before = leaves.length;
  const children: Structure[] = [];
  if (kind === 'array') {
    const items = tree as readonly unknown[];
    for (let i = 0; i < items.length; i++) children.push(collect(items[i], leaves));
    return node('array', leaves.length - before, noKeys, children);
  }
  if (kind === 'object') {
    const fields = tree as Record<string, unknown>;
    const keys = sortedKeys(fields);
    for (let i = 0; i < keys.length; i++) children.push(collect(fields[keys[i] as string], leaves));
    return node('object', leaves.length - before, keys, children);
  }
  const parts = kind.rule.flatten(tree);
  children.push(collect(parts.children, leaves));
  return node('container', leaves.length - before, noKeys, children, kind, parts.aux);
}

/** The structure of a tree. */
export function structure<T>(tree: T): Structure<T> {
  return flatten(tree).structure;
}

/** The leaves of a tree, in order. */
export function leaves<T>(tree: T): LeafOf<T>[] {
  const found: unknown[] = [];
  gather(tree, found);
  return found as LeafOf<T>[];
}

function gather(tree: unknown, leaves: unknown[]): void {
  const kind = kindOf(tree);
  if (kind === 'leaf') leaves.push(tree);
  else if (kind === 'array') for (const item of tree as readonly unknown[]) gather(item, leaves);
  else if (kind === 'object') {
    for (const key of sortedKeys(tree as object)) gather((tree as Record<string, unknown>)[key], leaves);
  } else if (kind !== 'null') gather(kind.rule.flatten(tree).children, leaves);
}

/**
 * Puts a tree together: the inverse of `flatten`. Objects come back with sorted keys and the usual prototype.
 *
 * @throws when there are more or fewer leaves than the structure has.
 */
export function unflatten<T extends TensorTree>(structure: Structure<T>, leaves: readonly Tensor[]): T;
export function unflatten<T>(structure: Structure<T>, leaves: readonly LeafOf<T>[]): T;
export function unflatten<T, B>(structure: Structure<T>, leaves: readonly B[]): MapLeaves<T, B>;
export function unflatten(structure: Structure, leaves: readonly unknown[]): unknown {
  if (leaves.length !== structure.leafCount) {
    throw new Error(
      `tree.unflatten: ${leaves.length} leaves for a structure of ${structure.leafCount}; pass one for each leaf`,
    );
  }
  return build(structure, leaves, 0);
}

/** The tree of a structure whose leaves are `leaves[offset]` and those behind it. */
export function build(structure: Structure, leaves: readonly unknown[], offset: number): unknown {
  const { kind, keys, children } = structure;
  if (kind === 'leaf') return leaves[offset];
  if (kind === 'null') return null;
  if (kind === 'array') {
    const items: unknown[] = [];
    for (let i = 0, at = offset; i < children.length; i++) {
      const child = children[i] as Structure;
      items.push(build(child, leaves, at));
      at += child.leafCount;
    }
    return items;
  }
  if (kind === 'object') {
    const fields: Record<string, unknown> = {};
    for (let i = 0, at = offset; i < children.length; i++) {
      const child = children[i] as Structure;
      setField(fields, keys[i] as string, build(child, leaves, at));
      at += child.leafCount;
    }
    return fields;
  }
  return structure.container?.rule.unflatten(build(children[0] as Structure, leaves, offset), structure.aux);
}

/** Whether a tree has a structure. It builds nothing and looks at no leaf. */
export function hasStructure<T>(tree: unknown, structure: Structure<T>): tree is T {
  return match(structure, tree, null);
}

/** The leaves of a tree that has this structure, or `null` when it has another. */
export function leavesLike(structure: Structure, tree: unknown): unknown[] | null {
  const leaves: unknown[] = [];
  return match(structure, tree, leaves) ? leaves : null;
}

function match(structure: Structure, tree: unknown, leaves: unknown[] | null): boolean {
  const kind = kindOf(tree);
  const { children } = structure;
  if (kind === 'leaf') {
    if (structure.kind !== 'leaf') return false;
    leaves?.push(tree);
    return true;
  }
  if (kind === 'null') return structure.kind === 'null';
  if (kind === 'array') {
    const items = tree as readonly unknown[];
    if (structure.kind !== 'array' || items.length !== children.length) return false;
    for (let i = 0; i < items.length; i++) if (!match(children[i] as Structure, items[i], leaves)) return false;
    return true;
  }
  if (kind === 'object') {
    const fields = tree as Record<string, unknown>;
    if (structure.kind !== 'object') return false;
    const keys = sortedKeys(fields);
    if (keys.length !== children.length) return false;
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i] as string;
      if (key !== structure.keys[i] || !match(children[i] as Structure, fields[key], leaves)) return false;
    }
    return true;
  }
  if (structure.container !== kind) return false;
  const parts = kind.rule.flatten(tree);
  return sameAux(parts.aux, structure.aux) && match(children[0] as Structure, parts.children, leaves);
}
