import { Tensor } from '@tensorflow/tfjs-core';

/** How a registered class is taken apart and put together. */
export interface ContainerRule<C, K, A> {
  /**
   * What an instance consists of: `children`, a tree whose leaves are the leaves of the instance, and `aux`, static data
   * that belongs to the structure (two instances have one structure only if their `aux` print alike).
   */
  flatten(instance: C): { readonly children: K; readonly aux?: A };
  /** The instance with these children. `children` has the structure that `flatten` gave. */
  unflatten(children: K, aux: A): C;
  /** Writes new children into an instance. The in-place functions need it and refuse a class without it. */
  assign?(instance: C, children: K): void;
}

/** A registered class. `name` is unique among the registered classes. */
export interface Container {
  readonly name: string;
  readonly rule: ContainerRule<unknown, unknown, unknown>;
}

const containers = new Map<object, Container>();
const names = new Set<string>();

/** A rule for classes whose own enumerable fields are their children and whose methods live on the prototype. */
function fieldsRule(prototype: object): ContainerRule<object, object, unknown> {
  return {
    flatten: (instance) => ({ children: { ...instance } }),
    unflatten: (children) => Object.assign(Object.create(prototype), children),
    assign: (instance, children) => void Object.assign(instance, children),
  };
}

/**
 * Makes the instances of a class inner nodes of trees; without this they are leaves. Subclasses are classes of their own
 * and are registered separately.
 *
 * @param Class the class. Its name appears in printed structures and in errors (with a number when it is taken).
 * @param rule how instances are taken apart and rebuilt. By default the own enumerable fields are the children, and an
 *   instance is rebuilt with `Object.assign(Object.create(Class.prototype), fields)`: the constructor does not run, so
 *   a class with `#private` fields needs a rule.
 * @throws when the class is registered already, or is `Object` or `Array`, or one of tensors, which are leaves.
 */
export function registerContainer<C extends object, K, A>(
  Class: { readonly prototype: C; readonly name: string },
  rule?: ContainerRule<C, K, A>,
): void {
  const prototype: object = Class.prototype;
  if (prototype === Object.prototype || prototype === Array.prototype) {
    throw new Error(`tree.registerContainer: ${Class.name} is a container already; register a class of your own`);
  }
  if (prototype === Tensor.prototype || prototype instanceof Tensor) {
    throw new Error(`tree.registerContainer: ${Class.name} is a class of tensors, which are leaves`);
  }
  if (containers.has(prototype)) {
    throw new Error(`tree.registerContainer: ${Class.name} is registered already; register each class once`);
  }
  const base = Class.name || 'Anonymous';
  let name = base;
  for (let count = 2; names.has(name); count++) name = `${base}${count}`;
  names.add(name);
  const chosen = (rule ?? fieldsRule(prototype)) as ContainerRule<unknown, unknown, unknown>;
  containers.set(prototype, { name, rule: chosen });
}

/** What a node of a tree is. */
export type Kind = 'leaf' | 'null' | 'array' | 'object' | Container;

export function kindOf(node: unknown): Kind {
  if (node === null) return 'null';
  // Most leaves are tensors, and to look for a prototype takes longest.
  if (typeof node !== 'object' || node instanceof Tensor) return 'leaf';
  if (Array.isArray(node)) return 'array';
  const prototype: object | null = Object.getPrototypeOf(node);
  if (prototype === Object.prototype || prototype === null) return 'object';
  return containers.get(prototype) ?? 'leaf';
}

/** The keys of a plain object in the order in which its children are flattened: by code unit. */
export function sortedKeys(node: object): string[] {
  const keys = Object.keys(node);
  for (let i = 1; i < keys.length; i++) {
    const key = keys[i] as string;
    if ((keys[i - 1] as string) <= key) continue;
    if (keys.length > few) return keys.sort();
    let at = i;
    for (; at > 0 && (keys[at - 1] as string) > key; at--) keys[at] = keys[at - 1] as string;
    keys[at] = key;
  }
  return keys;
}

/** So many keys are sorted sooner by insertion than by a call of `sort`. */
const few = 16;

/** `node[key] = value` for a field that may be called `__proto__`. */
export function setField(node: Record<string, unknown>, key: string, value: unknown): void {
  if (key === '__proto__') {
    Object.defineProperty(node, key, { value, enumerable: true, configurable: true, writable: true });
  } else {
    node[key] = value;
  }
}
