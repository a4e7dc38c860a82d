import type { Container } from './container.ts';
import { isIdentifier } from './path.ts';
import { printAux, sameAux } from './static.ts';

declare const treeType: unique symbol;

/**
 * A tree without its leaves: plain data, one node for each node of the tree. `T` is the type of the tree it came from.
 * `keys` holds an object's keys in order, `children` one structure each; an instance of a registered class has one child,
 * the structure of its children, and its static data in `aux`.
 */
export interface Structure<T = unknown> {
  readonly kind: 'leaf' | 'null' | 'array' | 'object' | 'container';
  readonly leafCount: number;
  readonly keys: readonly string[];
  readonly children: readonly Structure[];
  readonly container: Container | null;
  readonly aux: unknown;
  readonly [treeType]?: T;
}

/** Whether two structures are the same: the same keys, lengths, nulls, classes and static data. */
export function sameStructure(a: Structure, b: Structure): boolean {
  if (a === b) return true;
  if (a.kind !== b.kind || a.leafCount !== b.leafCount || a.children.length !== b.children.length) return false;
  if (a.container !== b.container || !sameAux(a.aux, b.aux)) return false;
  for (let i = 0; i < a.keys.length; i++) if (a.keys[i] !== b.keys[i]) return false;
  for (let i = 0; i < a.children.length; i++) {
    if (!sameStructure(a.children[i] as Structure, b.children[i] as Structure)) return false;
  }
  return true;
}

const printed = new WeakMap<Structure, string>();

/**
 * A readable form, `{layers: [{bias: *, weight: *}, null]}` with `*` for a leaf. Two structures print alike exactly when
 * they are the same, so it serves as a cache key; it is computed once for each structure.
 */
export function printStructure(structure: Structure): string {
  if (structure.kind === 'leaf') return '*';
  if (structure.kind === 'null') return 'null';
  let text = printed.get(structure);
  if (text === undefined) {
    text = print(structure);
    printed.set(structure, text);
  }
  return text;
}

function print({ kind, keys, children, container, aux }: Structure): string {
  const parts = children.map(printStructure);
  if (kind === 'array') return `[${parts.join(', ')}]`;
  if (kind === 'object') return `{${parts.map((part, i) => `${printKey(keys[i] as string)}: ${part}`).join(', ')}}`;
  return `${container?.name}${aux === undefined ? '' : `<${printAux(aux)}>`}(${parts[0]})`;
}

function printKey(key: string): string {
  return isIdentifier(key) ? key : JSON.stringify(key);
}
