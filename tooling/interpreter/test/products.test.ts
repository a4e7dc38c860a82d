import { describe, expect, test } from 'vitest';
import { apply, array, float, vector } from './build.ts';

const plain = { transposeA: false, transposeB: false };

describe('BatchMatMul', () => {
  const a = array([2, 3], [1, 2, 3, 4, 5, 6]);
  const b = array([3, 1], [1, 0, -1]);

  test('transposes either side', () => {
    const across = array([3, 2], [1, 4, 2, 5, 3, 6]);
    const row = array([1, 3], [1, 0, -1]);
    expect(apply('BatchMatMul', [a, b], plain, float(2, 1))).toEqual([-2, -2]);
    expect(apply('BatchMatMul', [across, b], { ...plain, transposeA: true }, float(2, 1))).toEqual([-2, -2]);
    expect(apply('BatchMatMul', [a, row], { ...plain, transposeB: true }, float(2, 1))).toEqual([-2, -2]);
    expect(apply('BatchMatMul', [across, row], { transposeA: true, transposeB: true }, float(2, 1))).toEqual([-2, -2]);
    expect(apply('BatchMatMul', [a, a], { ...plain, transposeB: true }, float(2, 2))).toEqual([14, 32, 32, 77]);
    expect(apply('BatchMatMul', [a, a], { ...plain, transposeA: true }, float(3, 3))).toEqual([
      17, 22, 27, 22, 29, 36, 27, 36, 45,
    ]);
  });

  test('multiplies each pair of a batch', () => {
    const left = array([2, 1, 2, 2], [1, 2, 3, 4, 0, 1, 1, 0]);
    const right = array([2, 1, 2, 1], [1, 1, 5, 7]);
    expect(apply('BatchMatMul', [left, right], plain, float(2, 1, 2, 1))).toEqual([3, 7, 7, 5]);
  });

  test('sizes of one and zero', () => {
    expect(apply('BatchMatMul', [array([1, 1], [3]), array([1, 1], [4])], plain, float(1, 1))).toEqual([12]);
    expect(apply('BatchMatMul', [array([2, 0], []), array([0, 1], [])], plain, float(2, 1))).toEqual([0, 0]);
    expect(apply('BatchMatMul', [array([0, 1, 1], []), array([0, 1, 1], [])], plain, float(0, 1, 1))).toEqual([]);
  });

  test('shapes that do not multiply', () => {
    expect(() => apply('BatchMatMul', [a, a], plain, float(2, 3))).toThrow('[2, 3] and [2, 3]');
    expect(() => apply('BatchMatMul', [array([1, 2, 3], [1, 2, 3, 4, 5, 6]), b], plain, float(1, 2, 1))).toThrow(
      '[1, 2, 3] and [3, 1]',
    );
    expect(() => apply('BatchMatMul', [a, vector(1, 2, 3)], plain, float(2))).toThrow('rank 2 or more');
  });
});
