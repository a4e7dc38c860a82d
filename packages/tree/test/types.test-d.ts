import { add, mul, type Rank, type Tensor, type Tensor1D, tensor1d, type Variable } from '@tensorflow/tfjs-core';
import { describe, expectTypeOf, test } from 'vitest';
import {
  extract,
  extractTrainableAndFunction,
  flatten,
  flexiMap,
  insert,
  type LeafOf,
  leaves,
  type MapLeaves,
  map,
  mapInplace,
  mapWithPath,
  ravel,
  reduce,
  registerContainer,
  type Structure,
  stack,
  structure,
  type TensorTree,
  type Tree,
  unflatten,
  unstack,
} from '../src/index.ts';

type Params = { w: Tensor; layers: { b: Tensor; none: null }[] };
type State = { params: Params; step: number; name: string };
declare const params: Params;
declare const state: State;

describe('trees', () => {
  test('tensors, arrays, objects and null are tensor trees; other leaves are not', () => {
    expectTypeOf<Params>().toExtend<TensorTree>();
    expectTypeOf<Tensor<Rank.R2>>().toExtend<TensorTree>();
    expectTypeOf<[Tensor1D, { readonly v: Variable }]>().toExtend<TensorTree>();
    expectTypeOf<State>().not.toExtend<TensorTree>();
    expectTypeOf<State>().toExtend<Tree<Tensor | number | string>>();
  });

  test('leaf types', () => {
    expectTypeOf<LeafOf<Params>>().toEqualTypeOf<Tensor>();
    expectTypeOf<LeafOf<State>>().toEqualTypeOf<Tensor | number | string>();
    expectTypeOf<LeafOf<[boolean, Float32Array | null]>>().toEqualTypeOf<boolean | Float32Array>();
    expectTypeOf<LeafOf<unknown>>().toBeUnknown();
    expectTypeOf<MapLeaves<State, string>['params']['layers']>().toEqualTypeOf<{ b: string; none: null }[]>();
    expectTypeOf<MapLeaves<[Tensor, [number]], boolean>>().toEqualTypeOf<[boolean, [boolean]]>();
  });
});

describe('map', () => {
  test('from tensors to tensors keeps the type of the tree', () => {
    expectTypeOf(map((leaf) => mul(leaf, 2), params)).toEqualTypeOf<Params>();
    expectTypeOf(map((a, b) => add(a, b), params, params)).toEqualTypeOf<Params>();
    expectTypeOf(mapWithPath((path, leaf) => mul(leaf, path.length), params)).toEqualTypeOf<Params>();
    expectTypeOf(mapInplace((a, b) => add(a, b), params, params)).toEqualTypeOf<Params>();
    expectTypeOf(flexiMap({ inplace: true }, (a) => mul(a, 2), params)).toEqualTypeOf<Params>();
  });

  test('to other leaves changes it', () => {
    expectTypeOf(map((leaf) => leaf.rank, params).layers).toEqualTypeOf<{ b: number; none: null }[]>();
    expectTypeOf(map((a, b) => a.size + b.size, params, params).w).toEqualTypeOf<number>();
    expectTypeOf(map((leaf) => typeof leaf, state).step).toExtend<string>();
    expectTypeOf(map((leaf) => leaf > 1, { a: 1, b: [2] })).toEqualTypeOf<{ a: boolean; b: boolean[] }>();
    expectTypeOf(mapWithPath((path) => path, params).w).toEqualTypeOf<string>();
  });

  test('in generic code', () => {
    function scaled<P extends TensorTree>(tree: P, other: P): P {
      return map((a, b) => add(a, b), tree, other);
    }
    function shapes<P extends TensorTree>(tree: P): MapLeaves<P, number[]> {
      return map((leaf) => leaf.shape, tree);
    }
    function rebuilt<P extends TensorTree>(tree: P): P {
      const { leaves, structure } = flatten(tree);
      expectTypeOf(structure).toEqualTypeOf<Structure<P>>();
      return unflatten(structure, leaves as Tensor[]);
    }
    expectTypeOf(scaled(params, params)).toEqualTypeOf<Params>();
    expectTypeOf(shapes(params).w).toEqualTypeOf<number[]>();
    expectTypeOf(rebuilt(params)).toEqualTypeOf<Params>();
  });

  test('refuses trees of another type', () => {
    // @ts-expect-error the second tree lacks a field
    map((a, b) => add(a, b), params, { w: params.w });
    // @ts-expect-error numbers are no tensors
    mapInplace((leaf) => leaf, { a: 1 });
    // @ts-expect-error the result is no tensor
    mapInplace((leaf) => leaf.shape, params);
  });
});

test('flatten, unflatten, reduce', () => {
  expectTypeOf(leaves(params)).toEqualTypeOf<Tensor[]>();
  expectTypeOf(leaves(state)).toEqualTypeOf<(Tensor | number | string)[]>();
  expectTypeOf(structure(params)).toEqualTypeOf<Structure<Params>>();
  expectTypeOf(unflatten(structure(params), [tensor1d([1])])).toEqualTypeOf<Params>();
  expectTypeOf(unflatten(structure(state), leaves(state))).toEqualTypeOf<State>();
  expectTypeOf(unflatten(structure(params), [1, 2]).w).toEqualTypeOf<number>();
  expectTypeOf(reduce((sum, leaf) => sum + leaf.size, 0, params)).toEqualTypeOf<number>();
  expectTypeOf(reduce((all: string[], leaf) => [...all, String(leaf)], [], state)).toEqualTypeOf<string[]>();
});

test('a tree of unknown form', () => {
  const anyTree = params as TensorTree;
  expectTypeOf(map((leaf) => mul(leaf, 2), anyTree)).toEqualTypeOf<TensorTree>();
  expectTypeOf(ravel(anyTree).unravel).returns.toEqualTypeOf<TensorTree>();
  expectTypeOf(reduce((sum, leaf) => sum + leaf.size, 0, anyTree)).toEqualTypeOf<number>();
});

test('ravel, select and stack keep the type of the tree', () => {
  expectTypeOf(ravel(params).flat).toEqualTypeOf<Tensor1D>();
  expectTypeOf(ravel(params).unravel).returns.toEqualTypeOf<Params>();
  expectTypeOf(extract(params, (leaf, path) => leaf.rank > 0 && path !== '$')).toEqualTypeOf<Params>();
  expectTypeOf(insert(params, params)).toEqualTypeOf<Params>();
  expectTypeOf(stack([params, params])).toEqualTypeOf<Params>();
  expectTypeOf(unstack(params)).toEqualTypeOf<Params[]>();
  const { subtree, subfunction } = extractTrainableAndFunction(
    params,
    { w: true, layers: false },
    (tree, x: number): [Tensor, number] => [tree.w, x],
  );
  expectTypeOf(subtree).toEqualTypeOf<Params>();
  expectTypeOf(subfunction).toEqualTypeOf<(subtree: Params, x: number) => [Tensor, number]>();
});

test('rules of registered classes are checked', () => {
  class Pair {
    readonly left: Tensor;
    readonly unit: string;
    private constructor(left: Tensor, unit: string) {
      this.left = left;
      this.unit = unit;
    }
    static of(left: Tensor, unit: string): Pair {
      return new Pair(left, unit);
    }
  }
  registerContainer(Pair, {
    flatten: (pair) => ({ children: [pair.left], aux: pair.unit }),
    unflatten: (children, unit) => {
      expectTypeOf(children).toEqualTypeOf<Tensor[]>();
      expectTypeOf(unit).toEqualTypeOf<string>();
      return Pair.of(children[0] as Tensor, unit);
    },
  });
});
