import type { Tensor, Tensor2D } from '@tensorflow/tfjs-core';
import { expectTypeOf, test } from 'vitest';
import { foldIn, type Key, key, permutation, split } from '../src/index.ts';

test('keys stay where they are', () => {
  expectTypeOf(key(0)).toEqualTypeOf<Uint32Array>();
  expectTypeOf(split(key(0))).toEqualTypeOf<[Uint32Array, Uint32Array]>();
  expectTypeOf(split(key(0), 3)).toEqualTypeOf<Uint32Array[]>();
  expectTypeOf(split({} as Tensor)).toEqualTypeOf<[Tensor, Tensor]>();
  expectTypeOf(split({} as Tensor2D, 3)).toEqualTypeOf<Tensor[]>();
  expectTypeOf(split({} as Key)).toEqualTypeOf<[Key, Key]>();
  expectTypeOf(foldIn(key(0), 1)).toEqualTypeOf<Uint32Array>();
  expectTypeOf(foldIn({} as Tensor, 1)).toEqualTypeOf<Tensor>();
  expectTypeOf(foldIn(key(0), {} as Tensor)).toEqualTypeOf<Tensor>();
  expectTypeOf(foldIn({} as Key, 1)).toEqualTypeOf<Key>();
});

test('permutation takes host keys alone', () => {
  // @ts-expect-error a key on the device cannot be read here
  permutation({} as Tensor, 3);
});
