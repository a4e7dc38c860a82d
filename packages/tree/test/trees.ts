import { type Tensor, tensor } from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { registerContainer } from '../src/index.ts';

/** A class whose fields are its children. */
export class Point {
  x: unknown;
  y: unknown;
  constructor(x: unknown, y: unknown) {
    this.x = x;
    this.y = y;
  }
}
registerContainer(Point);

/** A class with children in a Map and static data beside them. */
export class Table {
  readonly unit: unknown;
  readonly columns: Map<string, unknown>;
  constructor(unit: unknown, columns: Map<string, unknown>) {
    this.unit = unit;
    this.columns = columns;
  }
}
registerContainer(Table, {
  flatten: (table: Table) => ({ children: Object.fromEntries(table.columns), aux: table.unit }),
  unflatten: (children, unit) => new Table(unit, new Map(Object.entries(children))),
});

/** Keys of every sort: identifiers, numbers, blanks, quotes, `__proto__`. */
const key = fc.oneof(fc.constantFrom('a', 'b', 'bias', 'a b', '10', '2', '', '"', '__proto__', 'é'), fc.string());

/** Trees over the given leaves. */
export function treeOf<L>(leaf: fc.Arbitrary<L>): fc.Arbitrary<unknown> {
  return fc.letrec((tie) => ({
    tree: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      leaf,
      fc.constant(null),
      fc.array(tie('tree'), { maxLength: 4 }),
      fc.dictionary(key, tie('tree'), { maxKeys: 4, noNullPrototype: true }),
      fc.tuple(tie('tree'), tie('tree')).map(([x, y]) => new Point(x, y)),
      fc.tuple(fc.string(), tie('tree')).map(([unit, column]) => new Table(unit, new Map([['column', column]]))),
    ),
  })).tree;
}

export const numberTree: fc.Arbitrary<unknown> = treeOf(fc.integer());

/** A tensor to be made by `toTensor`. Its class is not registered, so it is a leaf. */
export class LeafPlan {
  readonly shape: number[];
  readonly seed: number;
  constructor(shape: number[], seed: number) {
    this.shape = shape;
    this.seed = seed;
  }
}

export const tensorPlan: fc.Arbitrary<LeafPlan> = fc
  .tuple(fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 3 }), fc.integer({ min: -100, max: 100 }))
  .map(([shape, seed]) => new LeafPlan(shape, seed));

export function toTensor({ shape, seed }: LeafPlan): Tensor {
  const size = shape.reduce((product, length) => product * length, 1);
  return tensor(
    Array.from({ length: size }, (_, i) => seed + i),
    shape,
    'float32',
  );
}

/** The same tree with the keys of every plain object written in reverse order. */
export function reverseKeys(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(reverseKeys);
  if (node === null || typeof node !== 'object' || Object.getPrototypeOf(node) !== Object.prototype) return node;
  return Object.fromEntries(
    Object.entries(node)
      .reverse()
      .map(([name, value]) => [name, reverseKeys(value)]),
  );
}
