import { expect, test } from 'vitest';
import { apply, array, float, int } from './build.ts';

const image = array([1, 3, 3, 1], [1, 2, 3, 4, 9, 9, -7, -8, -9]);
const attributes = {
  filterSize: [2, 2],
  strides: [2, 1],
  padding: [
    [0, 1],
    [0, 1],
  ],
};

test('MaxPool leaves out what overhangs', () => {
  expect(apply('MaxPool', [image], attributes, float(1, 2, 3, 1))).toEqual([9, 9, 9, -7, -8, -9]);
});

test('MaxPoolArgmax is the first of several, counted in its own image', () => {
  expect(apply('MaxPoolArgmax', [image], attributes, int(1, 2, 3, 1))).toEqual([4, 4, 5, 6, 7, 8]);
  const two = array([2, 1, 2, 1], [1, 2, 4, 3]);
  const pair = {
    ...attributes,
    filterSize: [1, 2],
    strides: [1, 1],
    padding: [
      [0, 0],
      [0, 0],
    ],
  };
  expect(apply('MaxPoolArgmax', [two], pair, int(2, 1, 1, 1))).toEqual([1, 0]);
});

test('AvgPool divides by the number of elements in the image', () => {
  expect(apply('AvgPool', [image], attributes, float(1, 2, 3, 1))).toEqual([4, 23 / 4, 6, -7.5, -8.5, -9]);
});

test('AvgPoolTranspose spreads each element over its window', () => {
  const dy = array([1, 2, 3, 1], [4, 8, 2, 6, 10, 1]);
  expect(apply('AvgPoolTranspose', [dy], { ...attributes, size: [3, 3] }, float(1, 3, 3, 1))).toEqual([
    1, 3, 3, 1, 3, 3, 3, 8, 6,
  ]);
});

test('GatherEach and ScatterEach count places in each row', () => {
  const rows = array([2, 3], [1, 2, 3, 4, 5, 6]);
  const places = array([2, 2], [2, 2, 0, 1]);
  expect(apply('GatherEach', [rows, places], {}, float(2, 2))).toEqual([3, 3, 4, 5]);
  const updates = array([2, 2], [1, 2, 3, 4]);
  expect(apply('ScatterEach', [updates, places], { shape: [3] }, float(2, 3))).toEqual([0, 0, 3, 3, 4, 0]);
});
