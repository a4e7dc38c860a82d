import '@tensorflow/tfjs-backend-cpu';
import { add, memory, mul, scalar, type Tensor, tensor1d } from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { leaves, map, mapWithPath, paths, reduce, sameStructure, structure } from '../src/index.ts';
import { numberTree, Point, reverseKeys, Table } from './trees.ts';

const identity = <T>(x: T): T => x;

describe('map', () => {
  test('identity law', () => {
    fc.assert(
      fc.property(numberTree, (tree) => {
        expect(map(identity, tree)).toStrictEqual(tree);
      }),
    );
  });

  test('composition law', () => {
    const f = (x: unknown) => 2 * (x as number);
    const g = (x: unknown) => `<${x}>`;
    fc.assert(
      fc.property(numberTree, (tree) => {
        expect(map((x) => g(f(x)), tree)).toStrictEqual(map(g, map(f, tree)));
      }),
    );
  });

  test('keeps the structure and calls f in the order of the leaves', () => {
    fc.assert(
      fc.property(numberTree, (tree) => {
        const seen: unknown[] = [];
        const mapped = map((leaf) => seen.push(leaf), tree);
        expect(seen).toEqual(leaves(tree));
        expect(sameStructure(structure(mapped), structure(tree))).toBe(true);
      }),
    );
  });

  test('aligns trees whose keys were written in another order', () => {
    fc.assert(
      fc.property(numberTree, (tree) => {
        expect(map((a, b) => a === b, tree, reverseKeys(tree))).toStrictEqual(map(() => true, tree));
      }),
    );
  });

  test('takes any number of trees', () => {
    const tree = { a: 1, b: [2] };
    expect(map((...all: number[]) => all.join(), tree, tree)).toEqual({ a: '1,1', b: ['2,2'] });
    expect(map((...all: number[]) => all.join(), tree, tree, tree)).toEqual({ a: '1,1,1', b: ['2,2,2'] });
  });

  test('makes one tensor for each leaf, frees none and passes unchanged leaves through', () => {
    const before = memory().numTensors;
    const tree = { a: tensor1d([1, 2]), b: scalar(3) };
    const doubled = map((leaf) => (leaf.rank === 0 ? leaf : mul(leaf, 2)), tree);
    expect(memory().numTensors).toBe(before + 3);
    expect(doubled.b).toBe(tree.b);
    expect(Array.from(doubled.a.dataSync())).toEqual([2, 4]);
    const sum = map((a, b) => add(a, b), tree, doubled);
    expect(sum.b.dataSync()[0]).toBe(6);
    for (const leaf of new Set([...leaves(tree), ...leaves(doubled), ...leaves(sum)])) leaf.dispose();
    expect(memory().numTensors).toBe(before);
  });
});

describe('trees that differ', () => {
  const x = scalar(1);
  const mismatch = (a: unknown, b: unknown) => () => map(identity, a, b);

  test.each<[unknown, unknown, string]>([
    [{ layers: [1, { bias: x }] }, { layers: [1, { bias: { b: x, a: x } }] }, '$.layers[1].bias: Tensor vs {a, b}'],
    [1, null, '$: number vs null'],
    [{ a: null }, { a: 'text' }, '$.a: null vs string'],
    [[[1, 2, 3]], [[1]], '$[0]: [3 items] vs [1 item]'],
    [{ a: 1 }, { b: 1 }, '$: {a} vs {b}'],
    [{ 'a b': 1 }, { 'a b': [] }, '$["a b"]: number vs [0 items]'],
    [[new Point(1, 2)], [{ x: 1, y: 2 }], '$[0]: Point vs {x, y}'],
    [new Point(1, [2]), new Point(1, 2), '$.y: [1 item] vs number'],
    [new Table('m', new Map()), new Table('s', new Map()), '$: Table<"m"> vs Table<"s">'],
    [[new Float32Array(1)], [[]], '$[0]: Float32Array vs [0 items]'],
    [[undefined], [[]], '$[0]: undefined vs [0 items]'],
    [
      Object.fromEntries('abcdefghij'.split('').map((name) => [name, 1])),
      {},
      '$: {a, b, c, d, e, f, g, h, ... 2 more} vs {}',
    ],
  ])('%# are told apart', (a, b, message) => {
    expect(mismatch(a, b)).toThrow(new Error(`tree.map: trees differ in structure at ${message}`));
  });

  test('a disposed tensor is not looked at', () => {
    const gone = scalar(1);
    gone.dispose();
    expect(mismatch([gone], [{ a: gone }])).toThrow('at $[0]: Tensor vs {a}');
    expect(map(identity, [gone])[0]).toBe(gone);
  });
});

describe('mapWithPath', () => {
  test('gives the path first', () => {
    const tree = { b: 2, a: [1] };
    expect(mapWithPath((path, leaf, other) => `${path} ${leaf} ${other}`, tree, { a: [3], b: 4 })).toEqual({
      a: ['$.a[0] 1 3'],
      b: '$.b 2 4',
    });
    expect(() => mapWithPath(identity, [1] as unknown, [])).toThrow('tree.mapWithPath: trees differ in structure at $');
  });

  test('sees the paths that paths gives', () => {
    fc.assert(
      fc.property(numberTree, (tree) => {
        expect(leaves(mapWithPath(identity, tree))).toEqual(paths(tree));
      }),
    );
  });
});

describe('reduce', () => {
  test('folds in the order of the leaves', () => {
    fc.assert(
      fc.property(numberTree, (tree) => {
        expect(reduce((all: unknown[], leaf: unknown) => [...all, leaf], [], tree)).toEqual(leaves(tree));
      }),
    );
  });

  test('returns the initial value for a tree without leaves', () => {
    expect(reduce((total, leaf: Tensor) => total + leaf.size, 7, [null, {}])).toBe(7);
  });
});
