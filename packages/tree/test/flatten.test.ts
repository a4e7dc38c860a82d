import '@tensorflow/tfjs-backend-cpu';
import { tensor1d } from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { flatten, hasStructure, leaves, sameStructure, structure, unflatten } from '../src/index.ts';
import { numberTree, Point, reverseKeys, Table } from './trees.ts';

describe('leaves', () => {
  test('arrays go by index, objects by sorted key, null has none', () => {
    expect(leaves({ b: [3, null, 4], a: { z: 2, y: 1 } })).toEqual([1, 2, 3, 4]);
    expect(leaves({ 2: 'two', 10: 'ten' })).toEqual(['ten', 'two']);
    expect(leaves(null)).toEqual([]);
  });

  test.each([1, 2, 16, 17, 40])('%i keys in any order come in the order of their code units', (count) => {
    const keys = fc.uniqueArray(fc.string(), { minLength: count, maxLength: count });
    fc.assert(
      fc.property(keys, (names) => {
        expect(leaves(Object.fromEntries(names.map((name) => [name, name])))).toEqual([...names].sort());
      }),
      { seed: 1, numRuns: 20 },
    );
  });

  test('everything that is not a container is a leaf', () => {
    class Own {
      field = 1;
    }
    const all = [0, 'a', true, undefined, 1n, Symbol.iterator, new Float32Array(2), new Own(), new Map(), () => 1];
    expect(leaves(all)).toEqual(all);
    const x = tensor1d([1, 2]);
    expect(leaves({ x })).toEqual([x]);
    expect(leaves(x)[0]).toBe(x);
    x.dispose();
  });

  test('objects without a prototype are plain', () => {
    const bare = Object.assign(Object.create(null), { b: 2, a: 1 }) as object;
    expect(leaves(bare)).toEqual([1, 2]);
    expect(hasStructure({ a: 0, b: 0 }, structure(bare))).toBe(true);
    expect(unflatten(structure(bare), [3, 4])).toStrictEqual({ a: 3, b: 4 });
  });

  test('registered classes are inner nodes', () => {
    expect(leaves([new Point(1, { b: 3, a: 2 }), new Table('m', new Map([['column', [4, 5]]]))])).toEqual([
      1, 2, 3, 4, 5,
    ]);
  });
});

describe('unflatten', () => {
  test('is the inverse of flatten', () => {
    fc.assert(
      fc.property(numberTree, (tree) => {
        const flat = flatten(tree);
        const again = unflatten(flat.structure, flat.leaves);
        expect(again).toStrictEqual(tree);
        expect(flatten(again).leaves).toEqual(flat.leaves);
      }),
    );
  });

  test('accepts leaves of another type', () => {
    const { structure } = flatten({ a: 1, b: [2, null] });
    expect(unflatten(structure, ['x', 'y'])).toEqual({ a: 'x', b: ['y', null] });
  });

  test('keeps a key called __proto__', () => {
    const tree = JSON.parse('{"__proto__": 1, "a": 2}') as object;
    const { structure, leaves } = flatten(tree);
    const again = unflatten(structure, leaves);
    expect(Object.keys(again).sort()).toEqual(['__proto__', 'a']);
    expect(Object.getPrototypeOf(again)).toBe(Object.prototype);
  });

  test('refuses too many and too few leaves', () => {
    const { structure } = flatten([1, 2]);
    expect(() => unflatten(structure, [1])).toThrow('tree.unflatten: 1 leaves for a structure of 2');
    expect(() => unflatten(structure, [1, 2, 3])).toThrow('tree.unflatten: 3 leaves for a structure of 2');
  });
});

describe('hasStructure', () => {
  test('says the same as comparing structures', () => {
    fc.assert(
      fc.property(numberTree, numberTree, (a, b) => {
        expect(hasStructure(a, structure(a))).toBe(true);
        expect(hasStructure(b, structure(a))).toBe(sameStructure(structure(a), structure(b)));
      }),
    );
  });

  test('does not depend on the order in which keys were written', () => {
    fc.assert(
      fc.property(numberTree, (tree) => {
        const reversed = reverseKeys(tree);
        expect(hasStructure(reversed, structure(tree))).toBe(true);
        expect(leaves(reversed)).toEqual(leaves(tree));
      }),
    );
  });

  test.each([
    [{ a: 1 }, { b: 1 }],
    [{ a: 1 }, { a: 1, b: 2 }],
    [{ a: 1 }, [1]],
    [[1], [1, 2]],
    [1, null],
    [null, 1],
    [[1], 1],
    [1, [1]],
    [new Point(1, 2), { x: 1, y: 2 }],
    [new Table('m', new Map([['c', 1]])), new Table('s', new Map([['c', 1]]))],
  ])('%j is unlike %j', (a, b) => {
    expect(hasStructure(b, structure(a))).toBe(false);
  });
});
