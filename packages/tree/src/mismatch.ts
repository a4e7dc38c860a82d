import { Tensor } from '@tensorflow/tfjs-core';
import { kindOf, sortedKeys } from './container.ts';
import { flatten, leavesLike } from './flatten.ts';
import { fieldPath, itemPath, root } from './path.ts';
import { printAux, sameAux } from './static.ts';
import type { Structure } from './structure.ts';

const shownKeys = 8;

/** A node in a few words: `Tensor`, `number`, `null`, `{a, b}`, `[3 items]`, the name of a class. Reads no values. */
export function describe(node: unknown): string {
  const kind = kindOf(node);
  if (kind === 'null') return 'null';
  if (kind === 'array') {
    const count = (node as readonly unknown[]).length;
    return `[${count} ${count === 1 ? 'item' : 'items'}]`;
  }
  if (kind === 'object') {
    const keys = sortedKeys(node as object);
    const more = keys.length > shownKeys ? `, ... ${keys.length - shownKeys} more` : '';
    return `{${keys.slice(0, shownKeys).join(', ')}${more}}`;
  }
  if (kind !== 'leaf') return kind.name;
  if (typeof node !== 'object') return typeof node;
  if (node instanceof Tensor) return 'Tensor';
  return (node as object).constructor?.name || 'object';
}

interface Difference {
  readonly path: string;
  readonly a: string;
  readonly b: string;
}

/** The first place, in order, where two trees differ in structure. */
function firstDifference(a: unknown, b: unknown, path: string): Difference | null {
  const kind = kindOf(a);
  const here: Difference = { path, a: describe(a), b: describe(b) };
  if (kind !== kindOf(b)) return here;
  if (kind === 'leaf' || kind === 'null') return null;
  if (kind === 'array') {
    const [left, right] = [a as readonly unknown[], b as readonly unknown[]];
    if (left.length !== right.length) return here;
    return first(left, (item, i) => firstDifference(item, right[i], itemPath(path, i)));
  }
  if (kind === 'object') {
    const [left, right] = [a as Record<string, unknown>, b as Record<string, unknown>];
    const keys = sortedKeys(left);
    const others = sortedKeys(right);
    if (keys.length !== others.length || keys.some((key, i) => key !== others[i])) return here;
    return first(keys, (key) => firstDifference(left[key], right[key], fieldPath(path, key)));
  }
  const [left, right] = [kind.rule.flatten(a), kind.rule.flatten(b)];
  if (!sameAux(left.aux, right.aux)) {
    return { path, a: `${kind.name}<${printAux(left.aux)}>`, b: `${kind.name}<${printAux(right.aux)}>` };
  }
  return firstDifference(left.children, right.children, path);
}

function first<T>(items: readonly T[], find: (item: T, index: number) => Difference | null): Difference | null {
  for (let i = 0; i < items.length; i++) {
    const found = find(items[i] as T, i);
    if (found) return found;
  }
  return null;
}

/** The error that says where two trees differ: `tree.map: trees differ in structure at $.bias: Tensor vs {a, b}`. */
function structureError(caller: string, a: unknown, b: unknown): Error {
  const found = firstDifference(a, b, root);
  const where = found ? ` at ${found.path}: ${found.a} vs ${found.b}` : '';
  return new Error(`${caller}: trees differ in structure${where}`);
}

/** A tree taken apart together with the leaves of further trees, which must have its structure. */
export interface Aligned {
  readonly leaves: unknown[];
  readonly structure: Structure;
  readonly rest: readonly unknown[][];
}

export function align(caller: string, tree: unknown, others: readonly unknown[]): Aligned {
  const { leaves, structure } = flatten(tree);
  const rest: unknown[][] = [];
  for (let i = 0; i < others.length; i++) {
    const found = leavesLike(structure, others[i]);
    if (!found) throw structureError(caller, tree, others[i]);
    rest.push(found);
  }
  return { leaves, structure, rest };
}
