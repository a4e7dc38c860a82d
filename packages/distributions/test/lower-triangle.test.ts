import '@posteriors/backend/cpu';
import '@posteriors/backend/wasm';
import { grad, jit, jvp, vmap } from '@posteriors/autodiff';
import { setBackend } from '@posteriors/backend';
import { expectNoLeak } from '@posteriors/testing';
import { add, mul, scalar, sum, type Tensor, tensor, tensor1d, tensor2d, zeros } from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { LFromFlat, LToFlat } from '../src/index.ts';

await setBackend('cpu');
beforeEach(() => setBackend('cpu'));

const flat = tensor1d([1, -4.1, 2.2, -1.7, 4.4, -5.5]);
const matrix = tensor2d([[1, 0, 0], [-4.1, 2.2, 0], [-1.7, 4.4, -5.5]]); // biome-ignore format: a matrix
const weights = tensor2d([[1, 2, 3], [4, 5, 6], [7, 8, 9]]); // biome-ignore format: a matrix

describe.each(['cpu', 'wasm'] as const)('on %s', (device) => {
  beforeEach(() => setBackend(device));

  test('rows of the triangle follow one another', () => {
    expect(LFromFlat(flat)).toBeAllClose(matrix, { rtol: 0, atol: 0 });
    expect(LToFlat(matrix)).toBeAllClose(flat, { rtol: 0, atol: 0 });
    expect(LFromFlat(tensor1d([3]))).toBeAllClose([[3]]);
    expect(LFromFlat(zeros([0])).shape).toEqual([0, 0]);
    expect(LToFlat(zeros([0, 0])).shape).toEqual([0]);
  });

  test('both are linear, the one the transpose of the other', () => {
    expect(grad((v: Tensor) => sum(mul(weights, LFromFlat(v))))(flat)).toBeAllClose([1, 4, 5, 7, 8, 9]);
    const slope = grad((l: Tensor) => sum(mul(tensor1d([1, 4, 5, 7, 8, 9]), LToFlat(l))))(matrix);
    expect(slope).toBeAllClose([[1, 0, 0], [4, 5, 0], [7, 8, 9]]); // biome-ignore format: a matrix
    expect(jvp(LFromFlat, [zeros([6])], [flat])[1]).toBeAllClose(matrix);
  });
});

test('there and back is the same, for every size', () => {
  const sizes = fc.integer({ min: 1, max: 9 });
  fc.assert(
    fc.property(sizes, fc.infiniteStream(fc.float({ noNaN: true, noDefaultInfinity: true })), (n, stream) => {
      const values = [...stream.take((n * (n + 1)) / 2)];
      const l = LFromFlat(tensor1d(values));
      const rows = l.arraySync() as number[][];
      expect(rows.length).toBe(n);
      for (const [i, row] of rows.entries()) expect(row.slice(i + 1).every((value) => value === 0)).toBe(true);
      expect(LToFlat(l)).toBeAllClose(values, { rtol: 0, atol: 0 });
    }),
    { numRuns: 30 },
  );
});

test('what is above the diagonal is not read', () => {
  expect(LToFlat(add(matrix, tensor2d([[0, Number.NaN, 1], [0, 0, 2], [0, 0, 0]])))).toBeAllClose(flat); // biome-ignore format: a matrix
});

test('leading axes are batches, and vmap and jit see the same', () => {
  const flats = tensor([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12], [2, 2, 3]);
  const matrices = LFromFlat(flats);
  expect(matrices).toBeAllClose([[[[1, 0], [2, 3]], [[4, 0], [5, 6]]], [[[7, 0], [8, 9]], [[10, 0], [11, 12]]]]); // biome-ignore format: matrices
  expect(vmap(vmap(LFromFlat))(flats)).toBeAllClose(matrices);
  expect(jit(LFromFlat)(flats)).toBeAllClose(matrices);
  expect(LFromFlat(zeros([0, 3])).shape).toEqual([0, 2, 2]);
  expect(LToFlat(matrices)).toBeAllClose(flats);
  expect(jit(vmap(LToFlat))(matrices)).toBeAllClose(flats);
});

test('wrong shapes are errors, and nothing is left', () => {
  const [five, wide, number] = [zeros([5]), zeros([2, 3]), scalar(1)];
  expectNoLeak(() => {
    LFromFlat(flat).dispose();
    LToFlat(matrix).dispose();
    expect(() => LFromFlat(five)).toThrow(
      'distributions.LFromFlat: flat has length 5; a triangle of n rows has n (n + 1) / 2 elements, such as 3 or 6',
    );
  });
  expect(() => LFromFlat(number)).toThrow('distributions.LFromFlat: flat is a scalar; a triangle of n rows has');
  expect(() => LToFlat(wide)).toThrow('distributions.LToFlat: takes square matrices [..., n, n], not [2,3]');
  expect(() => LFromFlat(zeros([3], 'int32'))).toThrow(
    'distributions.LFromFlat: flat is int32[3] and must be float32; cast it',
  );
  expect(() => LToFlat(zeros([2, 2], 'int32'))).toThrow('distributions.LToFlat: l is int32[2,2] and must be float32');
  expect(() => LToFlat(five)).toThrow('distributions.LToFlat: takes square matrices [..., n, n], not [5]');
});
