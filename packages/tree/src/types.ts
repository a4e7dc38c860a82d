import type { Tensor } from '@tensorflow/tfjs-core';

/** Nested arrays and plain objects with leaves of type `L`. `null` is an empty subtree. */
export type Tree<L> = L | null | readonly Tree<L>[] | { readonly [key: string]: Tree<L> };

/** A tree of tensors: parameters, gradients, a batch. */
export type TensorTree = Tree<Tensor>;

type Indivisible =
  | Tensor
  | ArrayBufferView
  | string
  | number
  | bigint
  | boolean
  | symbol
  | undefined
  | ((...args: never[]) => unknown);

/**
 * The type of the leaves of a tree of type `T`. An instance of a class looks like a plain object to the type system, so
 * for classes (other than tensors and typed arrays) this is the type of what their fields hold.
 */
export type LeafOf<T> = unknown extends T
  ? T
  : [T] extends [Tree<infer L>]
    ? [Tree<L>] extends [T]
      ? L
      : LeafOfParts<T>
    : LeafOfParts<T>;

type LeafOfParts<T> = T extends null
  ? never
  : T extends Indivisible
    ? T
    : T extends readonly (infer E)[]
      ? LeafOf<E>
      : T extends object
        ? LeafOf<T[keyof T]>
        : T;

/** The type of a tree of type `T` whose leaves have been replaced by values of type `B`. */
export type MapLeaves<T, B> = unknown extends T
  ? unknown
  : [T] extends [Tree<infer L>]
    ? [Tree<L>] extends [T]
      ? Tree<B>
      : MapParts<T, B>
    : MapParts<T, B>;

type MapParts<T, B> = T extends null
  ? null
  : T extends Indivisible
    ? B
    : T extends object
      ? { [K in keyof T]: MapLeaves<T[K], B> }
      : B;

/** A choice of leaves by value and path (`$.layers[1].bias`). It may look at shapes and dtypes, never at values. */
export type LeafPredicate = (leaf: Tensor, path: string) => boolean;
