import type { Tensor } from '@tensorflow/tfjs-core';
import { expectTypeOf, test } from 'vitest';
import { type Eigh, eigh, type Qr, qr, type Svd, svd, triangularSolve } from '../src/index.ts';

declare const a: Tensor;

test('decompositions are trees of tensors', () => {
  expectTypeOf(eigh(a)).toEqualTypeOf<Eigh>();
  expectTypeOf(qr(a)).toEqualTypeOf<Qr>();
  expectTypeOf(svd(a)).toEqualTypeOf<Svd>();
  expectTypeOf(eigh(a)).toExtend<{ readonly [part: string]: Tensor }>();
});

test('options of triangularSolve', () => {
  expectTypeOf(triangularSolve(a, a, { lower: false, transpose: true })).toEqualTypeOf<Tensor>();
  // @ts-expect-error: there is no such option
  triangularSolve(a, a, { upper: true });
});
