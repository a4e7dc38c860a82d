import { describe, expect, test } from 'vitest';
import { apply, array, float } from './build.ts';

const plain = {
  strides: [1, 1],
  dilations: [1, 1],
  paddings: [
    [0, 0],
    [0, 0],
  ],
};
/** One row of 1 to 4 as an image. */
const row = array([1, 1, 4, 1], [1, 2, 3, 4]);
const difference = array([1, 2, 1, 1], [-1, 1]);

describe('Conv2D', () => {
  test('slides the window, which is not turned round', () => {
    expect(apply('Conv2D', [row, difference], plain, float(1, 1, 3, 1))).toEqual([1, 1, 1]);
    const weights = array([1, 2, 1, 1], [10, 1]);
    expect(apply('Conv2D', [row, weights], plain, float(1, 1, 3, 1))).toEqual([12, 23, 34]);
  });

  test('strides, dilations and paddings', () => {
    const weights = array([1, 2, 1, 1], [10, 1]);
    const run = (attributes: object, places: number): number[] =>
      apply('Conv2D', [row, weights], { ...plain, ...attributes }, float(1, 1, places, 1));
    expect(run({ strides: [1, 2] }, 2)).toEqual([12, 34]);
    expect(run({ dilations: [1, 3] }, 1)).toEqual([14]);
    const paddings = [
      [0, 0],
      [1, 2],
    ];
    expect(run({ paddings }, 6)).toEqual([1, 12, 23, 34, 40, 0]);
    expect(run({ paddings, strides: [1, 3] }, 2)).toEqual([1, 34]);
  });

  test('sums over channels, for each channel of the result', () => {
    const x = array([1, 1, 1, 2], [3, 5]);
    const filter = array([1, 1, 2, 2], [1, 10, 100, 1000]);
    expect(apply('Conv2D', [x, filter], plain, float(1, 1, 1, 2))).toEqual([503, 5030]);
  });

  test('leading axes are convolutions of their own', () => {
    const x = array([2, 1, 1, 2, 1], [1, 2, 3, 4]);
    const filter = array([2, 1, 1, 1, 1], [1, -1]);
    expect(apply('Conv2D', [x, filter], plain, float(2, 1, 1, 2, 1))).toEqual([1, 2, -3, -4]);
  });

  test('operands that do not belong together', () => {
    const filter = array([1, 1, 2, 1], [1, 1]);
    expect(() => apply('Conv2D', [row, filter], plain, float(1, 1, 4, 1))).toThrow('[1, 1, 4, 1] and [1, 1, 2, 1]');
  });
});

test('Conv2DBackpropInput puts the window where it was', () => {
  const y = array([1, 1, 2, 1], [1, 10]);
  const weights = array([1, 2, 1, 1], [2, 3]);
  const at = (strides: number[], space: number[]): number[] =>
    apply('Conv2DBackpropInput', [y, weights], { ...plain, strides, space }, float(1, ...space, 1));
  expect(at([1, 1], [1, 3])).toEqual([2, 23, 30]);
  expect(at([1, 3], [1, 6])).toEqual([2, 3, 0, 20, 30, 0]);
});

test('Conv2DBackpropFilter sums what each element of the window saw', () => {
  const y = array([1, 1, 3, 1], [1, 10, 100]);
  expect(apply('Conv2DBackpropFilter', [row, y], { ...plain, window: [1, 2] }, float(1, 2, 1, 1))).toEqual([321, 432]);
});

test('DepthwiseConv2dNative and its gradients keep channels apart', () => {
  const x = array([1, 1, 1, 2], [3, 5]);
  const filter = array([1, 1, 2, 2], [1, 10, 100, 1000]);
  const y = array([1, 1, 1, 4], [1, 2, 3, 4]);
  expect(apply('DepthwiseConv2dNative', [x, filter], plain, float(1, 1, 1, 4))).toEqual([3, 30, 500, 5000]);
  expect(
    apply('DepthwiseConv2dNativeBackpropInput', [y, filter], { ...plain, space: [1, 1] }, float(1, 1, 1, 2)),
  ).toEqual([21, 4300]);
  expect(apply('DepthwiseConv2dNativeBackpropFilter', [x, y], { ...plain, window: [1, 1] }, float(1, 1, 2, 2))).toEqual(
    [3, 6, 15, 20],
  );
});

test('Conv3D has three axes', () => {
  const x = array([1, 2, 1, 2, 1], [1, 2, 3, 4]);
  const filter = array([2, 1, 1, 1, 1], [1, 10]);
  const attributes = { strides: [1, 1, 1], dilations: [1, 1, 1], paddings: [0, 0, 0].map(() => [0, 0]) };
  expect(apply('Conv3D', [x, filter], attributes, float(1, 1, 1, 2, 1))).toEqual([31, 42]);
});
