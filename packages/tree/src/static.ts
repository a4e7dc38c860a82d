import { kindOf, sortedKeys } from './container.ts';

const identities = new WeakMap<object, number>();
let identityCount = 0;

/** Static data is the same when it prints alike. */
export function sameAux(a: unknown, b: unknown): boolean {
  return Object.is(a, b) || printAux(a) === printAux(b);
}

/** Static data as text: values by value, arrays and plain objects by their parts, functions and instances by identity. */
export function printAux(aux: unknown): string {
  if (typeof aux === 'string') return JSON.stringify(aux);
  if (typeof aux === 'bigint') return `${aux}n`;
  if (Object.is(aux, -0)) return '-0';
  if (aux === null || (typeof aux !== 'object' && typeof aux !== 'function')) return String(aux);
  const kind = kindOf(aux);
  if (kind === 'array') return `[${(aux as readonly unknown[]).map(printAux).join(', ')}]`;
  if (kind === 'object') {
    const fields = aux as Record<string, unknown>;
    return `{${sortedKeys(fields)
      .map((key) => `${JSON.stringify(key)}: ${printAux(fields[key])}`)
      .join(', ')}}`;
  }
  return printIdentity(aux);
}

function printIdentity(aux: object): string {
  let identity = identities.get(aux);
  if (identity === undefined) {
    identity = ++identityCount;
    identities.set(aux, identity);
  }
  const name = typeof aux === 'function' ? aux.name : aux.constructor.name;
  return `${name}#${identity}`;
}
