import { describe, expect, test } from 'vitest';
import { apply, array, bool, float, int, vector } from './build.ts';

const inf = Number.POSITIVE_INFINITY;
const x = array([2, 3], [1, 5, 3, 4, 2, 6]);

const reductions: readonly (readonly [
  kernel: string,
  rows: readonly number[],
  columns: readonly number[],
  all: number,
  empty: number,
])[] = [
  ['Sum', [9, 12], [5, 7, 9], 21, 0],
  ['Prod', [15, 48], [4, 10, 18], 720, 1],
  ['Max', [5, 6], [4, 5, 6], 6, -inf],
  ['Min', [1, 2], [1, 2, 3], 1, inf],
];

test.each(reductions)('%s', (kernel, rows, columns, all, empty) => {
  expect(apply(kernel, [x], { axis: [1] }, float(2))).toEqual(rows);
  expect(apply(kernel, [x], { axis: [0] }, float(3))).toEqual(columns);
  expect(apply(kernel, [x], { axis: [0, 1] }, float())).toEqual([all]);
  expect(apply(kernel, [x], { axis: [] }, float(2, 3))).toEqual([...x.values]);
  expect(apply(kernel, [array([], [7])], { axis: [] }, float())).toEqual([7]);
  expect(apply(kernel, [array([2, 0], [])], { axis: [1] }, float(2))).toEqual([empty, empty]);
  expect(apply(kernel, [array([2, 0], [])], { axis: [0] }, float(0))).toEqual([]);
  expect(() => apply(kernel, [x], { axis: [2] }, float(2, 3))).toThrow("'axis' is [2]");
});

test('axes in the middle and at both ends', () => {
  const cube = array([2, 3, 2], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
  expect(apply('Sum', [cube], { axis: [1] }, float(2, 2))).toEqual([9, 12, 27, 30]);
  expect(apply('Sum', [cube], { axis: [0, 2] }, float(3))).toEqual([18, 26, 34]);
});

test('NaN passes through Max and Min', () => {
  expect(apply('Max', [vector(1, Number.NaN, 2)], { axis: [0] }, float())).toEqual([Number.NaN]);
  expect(apply('Min', [vector(1, Number.NaN, 2)], { axis: [0] }, float())).toEqual([Number.NaN]);
});

test('int32 products wrap exactly', () => {
  const factors = vector(2147483647, 2147483647, 3);
  expect(apply('Prod', [factors], { axis: [0] }, int())).toEqual([3]);
  const options = { axis: 0, exclusive: false, reverse: false };
  expect(apply('Cumprod', [factors], options, int(3))).toEqual([2147483647, 1, 3]);
  expect(apply('Sum', [vector(2147483647, 1)], { axis: [0] }, int())).toEqual([-2147483648]);
});

test('All and Any', () => {
  const flags = array([3, 2], [1, 1, 1, 0, 0, 0]);
  expect(apply('All', [flags], { axis: [1] }, bool(3))).toEqual([1, 0, 0]);
  expect(apply('Any', [flags], { axis: [1] }, bool(3))).toEqual([1, 1, 0]);
  expect(apply('All', [vector()], { axis: [0] }, bool())).toEqual([1]);
  expect(apply('Any', [vector()], { axis: [0] }, bool())).toEqual([0]);
});

describe('ArgMax and ArgMin', () => {
  test('give the first of ties', () => {
    const ties = array([2, 3], [1, 3, 3, 0, 0, 5]);
    expect(apply('ArgMax', [ties], { axis: 1 }, int(2))).toEqual([1, 2]);
    expect(apply('ArgMin', [ties], { axis: 1 }, int(2))).toEqual([0, 0]);
    expect(apply('ArgMax', [ties], { axis: 0 }, int(3))).toEqual([0, 0, 1]);
    expect(apply('ArgMin', [ties], { axis: 0 }, int(3))).toEqual([1, 1, 0]);
    expect(apply('ArgMax', [vector(4)], { axis: 0 }, int())).toEqual([0]);
    expect(apply('ArgMax', [array([0, 2], [])], { axis: 1 }, int(0))).toEqual([]);
  });

  test('refuse an axis without elements', () => {
    expect(() => apply('ArgMax', [vector()], { axis: 0 }, int())).toThrow('axis 0 has no elements');
  });
});

describe('Cumsum and Cumprod', () => {
  const cases: readonly (readonly [exclusive: boolean, reverse: boolean, sums: number[], products: number[]])[] = [
    [false, false, [1, 6, 9, 4, 6, 12], [1, 5, 15, 4, 8, 48]],
    [true, false, [0, 1, 6, 0, 4, 6], [1, 1, 5, 1, 4, 8]],
    [false, true, [9, 8, 3, 12, 8, 6], [15, 15, 3, 48, 12, 6]],
    [true, true, [8, 3, 0, 8, 6, 0], [15, 3, 1, 12, 6, 1]],
  ];

  test.each(cases)('exclusive %s, reverse %s', (exclusive, reverse, sums, products) => {
    expect(apply('Cumsum', [x], { axis: 1, exclusive, reverse }, float(2, 3))).toEqual(sums);
    expect(apply('Cumprod', [x], { axis: 1, exclusive, reverse }, float(2, 3))).toEqual(products);
  });

  test('other axes and sizes', () => {
    const options = { exclusive: false, reverse: false };
    expect(apply('Cumsum', [x], { axis: 0, ...options }, float(2, 3))).toEqual([1, 5, 3, 5, 7, 9]);
    expect(apply('Cumsum', [vector(3)], { axis: 0, ...options }, float(1))).toEqual([3]);
    expect(apply('Cumsum', [array([2, 0], [])], { axis: 1, ...options }, float(2, 0))).toEqual([]);
    expect(() => apply('Cumsum', [x], { axis: 1, exclusive: 0, reverse: false }, float(2, 3))).toThrow('a boolean');
  });
});

describe('Softmax', () => {
  test('along the last axis, also for large inputs', () => {
    const logits = array([3, 2], [0, Math.log(3), 1000, 1000, -inf, 0]);
    const result = apply('Softmax', [logits], {}, float(3, 2));
    [0.25, 0.75, 0.5, 0.5, 0, 1].forEach((p, i) => {
      expect(result[i]).toBeCloseTo(p, 15);
    });
    expect(apply('Softmax', [vector(-7)], {}, float(1))).toEqual([1]);
    expect(apply('Softmax', [array([2, 0], [])], {}, float(2, 0))).toEqual([]);
  });

  test('refuses a scalar', () => {
    expect(() => apply('Softmax', [array([], [1])], {}, float())).toThrow('rank 1 or more');
  });
});
