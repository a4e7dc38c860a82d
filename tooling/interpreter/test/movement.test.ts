import { describe, expect, test } from 'vitest';
import { apply, array, float, vector } from './build.ts';

const x = array([2, 3], [1, 2, 3, 4, 5, 6]);

test('BroadcastTo', () => {
  expect(apply('BroadcastTo', [vector(1, 2)], { shape: [3, 2] }, float(3, 2))).toEqual([1, 2, 1, 2, 1, 2]);
  expect(apply('BroadcastTo', [array([2, 1], [1, 2])], { shape: [2, 3] }, float(2, 3))).toEqual([1, 1, 1, 2, 2, 2]);
  expect(apply('BroadcastTo', [array([], [7])], { shape: [1, 2] }, float(1, 2))).toEqual([7, 7]);
  expect(apply('BroadcastTo', [array([1], [7])], { shape: [0] }, float(0))).toEqual([]);
  expect(() => apply('BroadcastTo', [x], { shape: [3, 3] }, float(3, 3))).toThrow('[2, 3] and [3, 3]');
  expect(() => apply('BroadcastTo', [x], { shape: [1, 3] }, float(1, 3))).toThrow(
    '[2, 3] does not broadcast to [1, 3]',
  );
});

test('Reshape', () => {
  expect(apply('Reshape', [x], { shape: [3, 1, 2] }, float(3, 1, 2))).toEqual([1, 2, 3, 4, 5, 6]);
  expect(apply('Reshape', [array([1, 1], [5])], { shape: [] }, float())).toEqual([5]);
  expect(apply('Reshape', [array([0, 4], [])], { shape: [2, 0] }, float(2, 0))).toEqual([]);
  expect(() => apply('Reshape', [x], { shape: [4] }, float(4))).toThrow('[2, 3] has 6 elements, and [4] has 4');
});

test('Transpose', () => {
  expect(apply('Transpose', [x], { perm: [1, 0] }, float(3, 2))).toEqual([1, 4, 2, 5, 3, 6]);
  const cube = array([2, 1, 3], [1, 2, 3, 4, 5, 6]);
  expect(apply('Transpose', [cube], { perm: [2, 0, 1] }, float(3, 2, 1))).toEqual([1, 4, 2, 5, 3, 6]);
  expect(apply('Transpose', [array([], [5])], { perm: [] }, float())).toEqual([5]);
  expect(apply('Transpose', [array([0, 2], [])], { perm: [1, 0] }, float(2, 0))).toEqual([]);
  expect(() => apply('Transpose', [x], { perm: [0, 0] }, float(2, 2))).toThrow('distinct axes from 0 to 1');
  expect(() => apply('Transpose', [x], { perm: [0] }, float(2))).toThrow("'perm' has 1 entries");
});

test('Reverse', () => {
  expect(apply('Reverse', [x], { dims: [1] }, float(2, 3))).toEqual([3, 2, 1, 6, 5, 4]);
  expect(apply('Reverse', [x], { dims: [0] }, float(2, 3))).toEqual([4, 5, 6, 1, 2, 3]);
  expect(apply('Reverse', [x], { dims: [0, 1] }, float(2, 3))).toEqual([6, 5, 4, 3, 2, 1]);
  expect(apply('Reverse', [x], { dims: [] }, float(2, 3))).toEqual([1, 2, 3, 4, 5, 6]);
  expect(apply('Reverse', [array([0, 2], [])], { dims: [0] }, float(0, 2))).toEqual([]);
});

test('Slice', () => {
  expect(apply('Slice', [x], { begin: [0, 1], size: [2, 2] }, float(2, 2))).toEqual([2, 3, 5, 6]);
  expect(apply('Slice', [x], { begin: [1, 2], size: [1, 1] }, float(1, 1))).toEqual([6]);
  expect(apply('Slice', [x], { begin: [2, 0], size: [0, 3] }, float(0, 3))).toEqual([]);
  expect(() => apply('Slice', [x], { begin: [0, 2], size: [2, 2] }, float(2, 2))).toThrow('leaves the shape [2, 3]');
});

test('PadV2', () => {
  const paddings = [
    [1, 0],
    [0, 2],
  ];
  const padded = [9, 9, 9, 9, 9, 1, 2, 3, 9, 9, 4, 5, 6, 9, 9];
  expect(apply('PadV2', [x], { paddings, constantValue: 9 }, float(3, 5))).toEqual(padded);
  expect(apply('PadV2', [vector()], { paddings: [[1, 2]], constantValue: 0 }, float(3))).toEqual([0, 0, 0]);
  expect(apply('PadV2', [array([], [5])], { paddings: [], constantValue: 0 }, float())).toEqual([5]);
  expect(() => apply('PadV2', [vector(1)], { paddings: [[-1, 0]], constantValue: 0 }, float(0))).toThrow('negative');
  expect(() => apply('PadV2', [vector(1)], { paddings: [1], constantValue: 0 }, float(1))).toThrow('pairs of integers');
});

describe('Concat', () => {
  test('along each axis', () => {
    expect(apply('Concat', [x, array([1, 3], [7, 8, 9])], { axis: 0 }, float(3, 3))).toEqual([
      1, 2, 3, 4, 5, 6, 7, 8, 9,
    ]);
    expect(apply('Concat', [x, array([2, 1], [7, 8])], { axis: 1 }, float(2, 4))).toEqual([1, 2, 3, 7, 4, 5, 6, 8]);
    const parts = [vector(1), vector(), vector(2, 3)];
    expect(apply('Concat', parts, { axis: 0 }, float(3))).toEqual([1, 2, 3]);
    expect(apply('Concat', [x], { axis: 1 }, float(2, 3))).toEqual([1, 2, 3, 4, 5, 6]);
  });

  test('shapes that do not fit', () => {
    expect(() => apply('Concat', [x, array([3, 2], [1, 2, 3, 4, 5, 6])], { axis: 0 }, float(5, 3))).toThrow(
      'shapes [2, 3] and [3, 2] differ outside of axis 0',
    );
    expect(() => apply('Concat', [x, vector(1)], { axis: 1 }, float(2, 4))).toThrow('[2, 3] and [1]');
    expect(() => apply('Concat', [x], { axis: 2 }, float(2, 3))).toThrow('axes 0 to 1');
    expect(() => apply('Concat', [], { axis: 0 }, float(0))).toThrow('at least one input');
  });
});
