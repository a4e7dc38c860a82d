import '@tensorflow/tfjs-backend-cpu';
import { expectNoLeak } from '@posteriors/testing';
import { add, memory, mul, neg, reshape, scalar, type Tensor, tensor1d, tidy, variable } from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import { flexiMap, giveLeaves, leaves, map, mapInplace, type TensorTree } from '../src/index.ts';
import { Point, Table } from './trees.ts';

const double = (leaf: Tensor) => mul(leaf, 2);
const values = (tree: unknown) => leaves(tree).map((leaf) => Array.from((leaf as Tensor).dataSync()));
const free = (tree: unknown) => {
  for (const leaf of leaves(tree)) (leaf as Tensor).dispose();
};
const made = <T>(initial: Tensor, make: (initial: Tensor) => T): T => {
  const result = make(initial);
  initial.dispose();
  return result;
};
const makeVariable = (value: number) => made(scalar(value), (initial) => variable(initial));

const balanced = (body: () => void) => () => expectNoLeak(body);

describe('mapInplace', () => {
  test(
    'replaces leaves in their containers and disposes the old ones',
    balanced(() => {
      const inner = [scalar(2), null];
      const tree = { a: tensor1d([1]), b: inner };
      const old = leaves(tree);
      const count = memory().numTensors;
      const result = mapInplace(double, tree);
      expect(result).toBe(tree);
      expect(tree.b).toBe(inner);
      expect(values(tree)).toEqual([[2], [4]]);
      expect(old.every((leaf) => leaf.isDisposed)).toBe(true);
      expect(memory().numTensors).toBe(count);
      free(tree);
    }),
  );

  test(
    'equals map',
    balanced(() => {
      const tree = { a: tensor1d([1, 2]), b: [scalar(3)] };
      const other = { a: tensor1d([4, 5]), b: [scalar(6)] };
      const pure = map((x, y) => add(x, y), tree, other);
      mapInplace((x, y) => add(x, y), tree, other);
      expect(values(tree)).toEqual(values(pure));
      free([tree, other, pure]);
    }),
  );

  test(
    'assigns variables and disposes their new values',
    balanced(() => {
      const tree = { v: makeVariable(3) };
      const { v } = tree;
      const count = memory().numTensors;
      mapInplace(double, tree);
      expect(tree.v).toBe(v);
      expect(values(v)).toEqual([[6]]);
      expect(memory().numTensors).toBe(count);
      mapInplace(double, v);
      expect(values(v)).toEqual([[12]]);
      expect(memory().numTensors).toBe(count);
      free(tree);
    }),
  );

  test(
    'leaves alone what f returns unchanged',
    balanced(() => {
      const tree = [scalar(1), makeVariable(2)];
      const copy = [...tree];
      mapInplace((leaf) => leaf, tree as TensorTree);
      expect(tree[0]).toBe(copy[0]);
      expect(values(tree)).toEqual([[1], [2]]);
      free(tree);
    }),
  );

  test(
    'disposes what f makes on the way',
    balanced(() => {
      const tree = [scalar(1)];
      mapInplace((leaf) => neg(add(leaf, 1)), tree);
      expect(values(tree)).toEqual([[-2]]);
      free(tree);
    }),
  );

  test(
    'takes a reference of its own to a leaf of another tree',
    balanced(() => {
      const [tree, other] = [[scalar(1)], [scalar(2)]];
      mapInplace((_, leaf) => leaf, tree, other);
      expect(tree[0]).not.toBe(other[0]);
      mapInplace(double, tree);
      expect(values(other)).toEqual([[2]]);
      expect(values(tree)).toEqual([[4]]);
      free([tree, other]);
    }),
  );

  test(
    'handles a tensor that lies in two places',
    balanced(() => {
      const shared = scalar(1);
      const tree = [shared, shared];
      mapInplace(double, tree);
      expect(values(tree)).toEqual([[2], [2]]);
      expect(shared.isDisposed).toBe(true);
      free(tree);
      const holder = { w: scalar(3) };
      const twice = [holder, holder];
      mapInplace(double, twice);
      expect(values(holder)).toEqual([[6]]);
      free(holder);
    }),
  );

  test(
    'keeps an old leaf that moves to another place',
    balanced(() => {
      const [x, y] = [scalar(1), scalar(2)];
      const tree = [x, y];
      mapInplace((leaf) => (leaf === x ? y : x), tree);
      expect(tree).toEqual([y, x]);
      expect(values(tree)).toEqual([[2], [1]]);
      free(tree);
    }),
  );

  test(
    'changes registered classes through assign',
    balanced(() => {
      const point = new Point(scalar(1), [new Point(scalar(2), null)]);
      const inner = (point.y as Point[])[0];
      const tree = [point] as unknown as TensorTree;
      mapInplace(double, tree);
      expect((point.y as Point[])[0]).toBe(inner);
      expect(values(point)).toEqual([[2], [4]]);
      free(point);
    }),
  );

  test(
    'inside a tidy the new leaves live as long as it',
    balanced(() => {
      const tree = tidy(() => mapInplace(double, { a: scalar(1) }));
      expect(values(tree)).toEqual([[2]]);
      free(tree);
    }),
  );
});

describe('a failure leaves the tree untouched and disposes what was made', () => {
  function untouched(tree: unknown, run: () => void, message: string): void {
    const old = leaves(tree);
    const before = values(tree);
    const count = memory().numTensors;
    expect(run).toThrow(message);
    leaves(tree).forEach((leaf, i) => {
      expect(leaf).toBe(old[i]);
    });
    expect(values(tree)).toEqual(before);
    expect(memory().numTensors).toBe(count);
    free(tree);
  }

  test('when f throws half way', () => {
    const tree = { a: scalar(1), v: makeVariable(2), z: scalar(3) };
    const fail = (leaf: Tensor): Tensor => {
      const doubled = double(leaf);
      if (leaf === tree.z) throw new Error('half way');
      return doubled;
    };
    untouched(tree, () => mapInplace(fail, tree), 'half way');
  });

  test('when a variable cannot take its value', () => {
    const tree = { a: scalar(1), v: makeVariable(2) };
    const message =
      'tree.mapInplace: the leaf at $.v is a Variable, float32 of shape [], and cannot take float32 of shape [1]';
    untouched(tree, () => mapInplace((leaf) => reshape(leaf, [1]), tree), message);
  });

  test('when a container is frozen', () => {
    const tree = { a: scalar(1), b: Object.freeze([scalar(2)]) };
    untouched(tree, () => mapInplace(double, tree), 'tree.mapInplace: the new leaves could not be written');
  });

  test('when an instance of a registered class is frozen', () => {
    const tree = [new Point(scalar(1), null), Object.freeze(new Point(scalar(2), null))] as unknown as TensorTree;
    untouched(tree, () => mapInplace(double, tree), 'tree.mapInplace: the new leaves could not be written');
  });

  test('when a registered class cannot be changed in place', () => {
    const tree = [scalar(1), new Table('m', new Map([['c', scalar(2)]]))] as unknown as TensorTree;
    untouched(tree, () => mapInplace(double, tree), 'tree.mapInplace: Table cannot be changed in place');
  });

  test('when the trees differ', () => {
    const tree = { a: scalar(1) };
    untouched(
      tree,
      () => mapInplace(double, tree, {} as typeof tree),
      'tree.mapInplace: trees differ in structure at $',
    );
  });

  test('when the tree is a single tensor', () => {
    const tree = scalar(1);
    untouched(tree, () => mapInplace(double, tree), 'tree.mapInplace: the tree is a single Tensor');
  });
});

test(
  'flexiMap picks one of the two',
  balanced(() => {
    const tree = { a: scalar(1) };
    const pure = flexiMap({}, double, tree);
    expect(pure).not.toBe(tree);
    expect(values(tree)).toEqual([[1]]);
    expect(flexiMap({ inplace: true }, (a, b) => add(a, b), tree, pure)).toBe(tree);
    expect(values(tree)).toEqual([[3]]);
    free([tree, pure]);
  }),
);

describe('giveLeaves', () => {
  test(
    'puts tensors in the places of numbers',
    balanced(() => {
      const tree = { x: scalar(1), n: 3 };
      const fresh = [scalar(4), scalar(2)];
      giveLeaves('f', tree, fresh);
      expect(values(tree)).toEqual([[4], [2]]);
      free(tree);
    }),
  );

  test(
    'hands over new tensors, and lets go of the old ones; a variable stays and takes the value',
    balanced(() => {
      const inner = { x: scalar(1), v: makeVariable(2) };
      const tree = [inner, new Point(scalar(3), scalar(4)), null];
      const old = leaves(tree) as Tensor[];
      const fresh = [10, 20, 30, 40].map((value) => scalar(value));
      giveLeaves('f', tree, fresh);
      expect(tree[0]).toBe(inner);
      expect(values(tree)).toEqual([[10], [20], [30], [40]]);
      expect(inner.v).toBe(old[0]);
      expect(old.map((leaf) => leaf.isDisposed)).toEqual([false, true, true, true]);
      expect(fresh.map((leaf) => leaf.isDisposed)).toEqual([true, false, false, false]);
      free(tree);
    }),
  );

  test(
    'a container that lies in two places takes the later tensor',
    balanced(() => {
      const holder = { w: scalar(3) };
      giveLeaves('f', [holder, holder], [scalar(1), scalar(2)]);
      expect(values(holder)).toEqual([[2]]);
      free(holder);
    }),
  );

  test(
    'where it fails the tree is as it was, and the tensors stay',
    balanced(() => {
      const tree = [scalar(1), Object.freeze({ w: scalar(2) })];
      const fresh = [scalar(10), scalar(20)];
      expect(() => giveLeaves('f', tree, fresh)).toThrow(/^f: the new leaves could not be written .*a frozen tree/);
      const wrong = [makeVariable(1)];
      const pair = tensor1d([1, 2]);
      expect(() => giveLeaves('f', wrong, [pair])).toThrow(/^f: the leaf at \$\[0\] is a Variable/);
      expect(values([tree, fresh])).toEqual([[1], [2], [10], [20]]);
      free([tree, fresh, wrong, pair]);
    }),
  );
});
