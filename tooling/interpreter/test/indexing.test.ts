import { describe, expect, test } from 'vitest';
import { apply, array, float, vector } from './build.ts';

const x = array([2, 3], [1, 2, 3, 4, 5, 6]);

describe('GatherV2', () => {
  test('puts the indices in the place of the axis', () => {
    expect(apply('GatherV2', [x, vector(1, 0, 1)], { axis: 0 }, float(3, 3))).toEqual([4, 5, 6, 1, 2, 3, 4, 5, 6]);
    expect(apply('GatherV2', [x, vector(2, 0)], { axis: 1 }, float(2, 2))).toEqual([3, 1, 6, 4]);
    const indices = array([2, 1], [2, 1]);
    expect(apply('GatherV2', [x, indices], { axis: 1 }, float(2, 2, 1))).toEqual([3, 2, 6, 5]);
    expect(apply('GatherV2', [x, array([], [1])], { axis: 1 }, float(2))).toEqual([2, 5]);
    expect(apply('GatherV2', [x, vector()], { axis: 0 }, float(0, 3))).toEqual([]);
  });

  test('refuses an index out of range', () => {
    expect(() => apply('GatherV2', [x, vector(2)], { axis: 0 }, float(1, 3))).toThrow('index 2 is outside');
    expect(() => apply('GatherV2', [x, vector(-1)], { axis: 0 }, float(1, 3))).toThrow('index -1 is outside');
  });
});

test('IndicesWithin', () => {
  const attributes = { kernel: 'GatherV2', length: 3 };
  expect(apply('IndicesWithin', [vector(0, 2)], attributes, float(2))).toEqual([0, 2]);
  expect(() => apply('IndicesWithin', [vector(0, 3)], attributes, float(2))).toThrow(/index 3 is outside/);
});

describe('GatherNd', () => {
  test('takes elements or rows', () => {
    expect(apply('GatherNd', [x, array([2, 2], [0, 2, 1, 0])], {}, float(2))).toEqual([3, 4]);
    expect(apply('GatherNd', [x, array([3, 1], [1, 1, 0])], {}, float(3, 3))).toEqual([4, 5, 6, 4, 5, 6, 1, 2, 3]);
    expect(apply('GatherNd', [x, vector(1, 1)], {}, float())).toEqual([5]);
    expect(apply('GatherNd', [x, array([2, 1, 2], [0, 0, 1, 2])], {}, float(2, 1))).toEqual([1, 6]);
    expect(apply('GatherNd', [x, array([0, 2], [])], {}, float(0))).toEqual([]);
    expect(apply('GatherNd', [x, array([2, 0], [])], {}, float(2, 2, 3))).toEqual([...x.values, ...x.values]);
  });

  test('refuses more indices than axes', () => {
    expect(() => apply('GatherNd', [x, vector(0, 0, 0)], {}, float())).toThrow('[3] do not index');
  });
});

describe('ScatterNd', () => {
  test('adds updates, also to the same place', () => {
    const indices = array([4, 1], [1, 3, 1, 0]);
    expect(apply('ScatterNd', [indices, vector(1, 2, 10, 5)], { shape: [5] }, float(5))).toEqual([5, 11, 0, 2, 0]);
    const rows = array([2, 1], [1, 1]);
    expect(apply('ScatterNd', [rows, x], { shape: [2, 3] }, float(2, 3))).toEqual([0, 0, 0, 5, 7, 9]);
    const elements = array([2, 2], [0, 1, 1, 0]);
    expect(apply('ScatterNd', [elements, vector(7, 8)], { shape: [2, 2] }, float(2, 2))).toEqual([0, 7, 8, 0]);
    expect(apply('ScatterNd', [array([0, 1], []), vector()], { shape: [2] }, float(2))).toEqual([0, 0]);
  });

  test('undoes GatherNd of distinct places', () => {
    const indices = array([3, 2], [1, 2, 0, 0, 1, 1]);
    const gathered = apply('GatherNd', [x, indices], {}, float(3));
    expect(apply('ScatterNd', [indices, vector(...gathered)], { shape: [2, 3] }, float(2, 3))).toEqual([
      1, 0, 0, 0, 5, 6,
    ]);
  });

  test('refuses updates of another shape', () => {
    expect(() => apply('ScatterNd', [array([2, 1], [0, 1]), vector(1)], { shape: [3] }, float(3))).toThrow(
      'take updates [2], but they have shape [1]',
    );
  });
});
