import { structure } from './flatten.ts';
import type { Structure } from './structure.ts';

/** The path of the root. */
export const root = '$';

const identifier = /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u;

export function isIdentifier(key: string): boolean {
  return identifier.test(key);
}

/** The path of a field: `$.bias`, or `$["a b"]` for a key that is no identifier. */
export function fieldPath(parent: string, key: string): string {
  return isIdentifier(key) ? `${parent}.${key}` : `${parent}[${JSON.stringify(key)}]`;
}

/** The path of an item of an array: `$[0]`. */
export function itemPath(parent: string, index: number): string {
  return `${parent}[${index}]`;
}

/** The paths of the leaves of a tree, in order: `$.layers[1].bias`. The root is `$`. No two leaves share a path. */
export function paths(tree: unknown): string[] {
  return structurePaths(structure(tree));
}

export function structurePaths(structure: Structure): string[] {
  const found: string[] = [];
  gather(structure, root, found);
  return found;
}

function gather({ kind, keys, children }: Structure, path: string, found: string[]): void {
  if (kind === 'leaf') found.push(path);
  children.forEach((child, i) => {
    if (kind === 'array') gather(child, itemPath(path, i), found);
    else if (kind === 'object') gather(child, fieldPath(path, keys[i] as string), found);
    else gather(child, path, found);
  });
}
