import { describe, expect, test } from 'vitest';
import { apply, array, float, int, vector } from './build.ts';

describe('TopKIndices', () => {
  test('the largest first, equal ones in their order', () => {
    expect(apply('TopKIndices', [vector(1, 3, 0, 3, 2)], { k: 4 }, int(4))).toEqual([1, 3, 4, 0]);
  });

  test('along the last axis', () => {
    expect(apply('TopKIndices', [array([2, 3], [1, 2, 3, 6, 5, 4])], { k: 1 }, int(2, 1))).toEqual([2, 0]);
  });

  test('of more than there are', () => {
    expect(() => apply('TopKIndices', [vector(1, 2)], { k: 3 }, int(3))).toThrow(/no 3 largest elements/);
  });
});

describe('SearchSorted', () => {
  const rows = array([2, 3], [0, 1, 1, 5, 6, 7]);
  const values = array([2, 2], [1, 9, 5, 5]);

  test.each([
    ['left', [1, 3, 0, 0]],
    ['right', [3, 3, 1, 1]],
  ])('from the %s', (side, expected) => {
    expect(apply('SearchSorted', [rows, values], { side }, int(2, 2))).toEqual(expected);
  });

  test('searches matrices only', () => {
    expect(() => apply('SearchSorted', [vector(1), vector(1)], { side: 'left' }, int(1))).toThrow(/rows of matrices/);
  });
});

describe('TensorScatterUpdate', () => {
  test('replaces blocks, the last one for a place remains, and its input stays', () => {
    const tensor = array([3, 2], [0, 1, 2, 3, 4, 5]);
    const updates = array([2, 2], [6, 7, 8, 9]);
    const inputs = [tensor, array([2, 1], [2, 2]), updates];
    expect(apply('TensorScatterUpdate', inputs, {}, float(3, 2))).toEqual([0, 1, 2, 3, 8, 9]);
    expect([...tensor.values]).toEqual([0, 1, 2, 3, 4, 5]);
  });
});

test('BitwiseAnd', () => {
  expect(apply('BitwiseAnd', [vector(12, -1, -8), vector(10, 7, -3)], {}, int(3))).toEqual([8, 7, -8]);
});
