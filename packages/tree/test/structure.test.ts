import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { printStructure, sameStructure, structure } from '../src/index.ts';
import { numberTree, Point, reverseKeys, Table } from './trees.ts';

test('prints readably', () => {
  const tree = { layers: [{ weight: 1, bias: 2 }, null], 'a b': new Point(1, []), t: new Table('m', new Map()) };
  expect(printStructure(structure(tree))).toBe(
    '{"a b": Point({x: *, y: []}), layers: [{bias: *, weight: *}, null], t: Table<"m">({})}',
  );
});

describe('sameStructure', () => {
  test('agrees with the printed form', () => {
    fc.assert(
      fc.property(numberTree, numberTree, (first, second) => {
        const [a, b] = [structure(first), structure(second)];
        expect(sameStructure(a, structure(first))).toBe(true);
        expect(sameStructure(a, b)).toBe(printStructure(a) === printStructure(b));
      }),
    );
  });

  test('does not depend on the order in which keys were written', () => {
    fc.assert(
      fc.property(numberTree, (tree) => {
        expect(sameStructure(structure(tree), structure(reverseKeys(tree)))).toBe(true);
      }),
    );
  });

  test.each([
    [
      { a: 1, b: 2 },
      { a: 1, c: 2 },
    ],
    [
      { a: [1, 2], b: [] },
      { a: [1], b: [2] },
    ],
    [[null], [[]]],
    [{}, []],
    [new Point(1, 2), { x: 1, y: 2 }],
  ])('%j is unlike %j', (a, b) => {
    expect(sameStructure(structure(a), structure(b))).toBe(false);
    expect(printStructure(structure(a))).not.toBe(printStructure(structure(b)));
  });
});

describe('static data', () => {
  const same = (a: unknown, b: unknown) =>
    sameStructure(structure(new Table(a, new Map())), structure(new Table(b, new Map())));
  const f = () => 1;

  test.each([
    ['m', 'm'],
    [NaN, NaN],
    [
      { a: 1, b: [2, null] },
      { b: [2, null], a: 1 },
    ],
    [f, f],
    [1n, 1n],
  ])('%o is %o', (a, b) => expect(same(a, b)).toBe(true));

  test.each([
    ['1', 1],
    [1n, 1],
    [0, -0],
    [undefined, null],
    ['undefined', undefined],
    [[], {}],
    [{ a: 1 }, { a: 2 }],
    [f, () => 1],
    [new Date(0), new Date(0)],
  ])('%o is not %o', (a, b) => expect(same(a, b)).toBe(false));
});
