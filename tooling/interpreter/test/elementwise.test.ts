import { describe, expect, test } from 'vitest';
import { apply, array, bool, float, int, vector } from './build.ts';

const inf = Number.POSITIVE_INFINITY;
const nan = Number.NaN;

/** Expected values are closed forms at points where they are known. */
const unary: readonly (readonly [kernel: string, x: readonly number[], expected: readonly number[]])[] = [
  ['Abs', [-2, 0, 3, nan], [2, 0, 3, nan]],
  ['Acos', [1, 0, -1, 0.5], [0, Math.PI / 2, Math.PI, Math.PI / 3]],
  ['Acosh', [1, 1.25, 0], [0, Math.LN2, nan]],
  ['Asin', [0, 1, 0.5], [0, Math.PI / 2, Math.PI / 6]],
  ['Asinh', [0, 0.75, -0.75], [0, Math.LN2, -Math.LN2]],
  ['Atan', [0, 1, inf], [0, Math.PI / 4, Math.PI / 2]],
  ['Atanh', [0, 0.6, 1], [0, Math.LN2, inf]],
  ['Ceil', [-1.5, 0.2, 3], [-1, 1, 3]],
  ['Cos', [0, Math.PI, Math.PI / 3], [1, -1, 0.5]],
  ['Cosh', [0, Math.LN2], [1, 1.25]],
  ['Elu', [2, 0, -Math.LN2], [2, 0, -0.5]],
  ['Erf', [0, 1, -1, inf], [0, 0.8427007929497149, -0.8427007929497149, 1]],
  ['Exp', [0, 1, Math.LN2, -inf], [1, Math.E, 2, 0]],
  ['Expm1', [0, Math.LN2, 1e-20], [0, 1, 1e-20]],
  ['Floor', [-1.5, 0.2, 3], [-2, 0, 3]],
  ['Log', [1, Math.E, 0, -1], [0, 1, -inf, nan]],
  ['Log1p', [0, 1, 1e-20], [0, Math.LN2, 1e-20]],
  ['Neg', [1, -2], [-1, 2]],
  ['Reciprocal', [4, -0.5, 0], [0.25, -2, inf]],
  ['Relu', [-1, 0, 2, nan], [0, 0, 2, nan]],
  ['Relu6', [-1, 3, 7], [0, 3, 6]],
  ['Round', [0.5, 1.5, 2.5, -0.5, -1.5, 0.49, 2.51, -2.6], [0, 2, 2, 0, -2, 0, 3, -3]],
  ['Rsqrt', [4, 0.25], [0.5, 2]],
  ['Selu', [1, -inf], [1.0507009873554805, -1.7580993408473766]],
  ['Sigmoid', [0, Math.log(3), -Math.log(3), -1000], [0.5, 0.75, 0.25, 0]],
  ['Sign', [-3, 0, 5], [-1, 0, 1]],
  ['Sin', [0, Math.PI / 2, Math.PI / 6], [0, 1, 0.5]],
  ['Sinh', [0, Math.LN2, -Math.LN2], [0, 0.75, -0.75]],
  ['Softplus', [0, 1000, -1000, Math.LN2], [Math.LN2, 1000, 0, Math.log(3)]],
  ['Sqrt', [4, 2.25, -1], [2, 1.5, nan]],
  ['Square', [3, -0.5], [9, 0.25]],
  ['StopGradient', [3, nan], [3, nan]],
  ['Tan', [0, Math.PI / 4], [0, 1]],
  ['Tanh', [0, Math.LN2, inf], [0, 0.6, 1]],
];

test.each(unary)('%s', (kernel, x, expected) => {
  const result = apply(kernel, [vector(...x)], {}, float(x.length));
  expect(result).toHaveLength(expected.length);
  expected.forEach((y, i) => {
    if (Number.isFinite(y)) expect(Math.abs(result[i]! - y)).toBeLessThanOrEqual(4e-16 * Math.max(1, Math.abs(y)));
    else expect(result[i]).toBe(y);
  });
  expect(apply(kernel, [array([], [x[0]!])], {}, float())).toEqual([result[0]]);
  expect(apply(kernel, [array([3, 0], [])], {}, float(3, 0))).toEqual([]);
});

describe('kernels with attributes', () => {
  test('LeakyRelu', () => {
    expect(apply('LeakyRelu', [vector(-2, 0, 3)], { alpha: 0.25 }, float(3))).toEqual([-0.5, 0, 3]);
  });

  test('Step keeps NaN and gives alpha at and below zero', () => {
    expect(apply('Step', [vector(-1, 0, 2, nan)], { alpha: 0.5 }, float(4))).toEqual([0.5, 0.5, 1, nan]);
  });

  test('ClipByValue', () => {
    const limits = { clipValueMin: -1, clipValueMax: 2 };
    expect(apply('ClipByValue', [vector(-5, 0.5, 2, 9)], limits, float(4))).toEqual([-1, 0.5, 2, 2]);
  });

  test('Cast truncates to int32 and compares with zero for bool', () => {
    const x = vector(-1.7, -0.2, 0, 0.3, 2.9);
    expect(apply('Cast', [x], { dtype: 'int32' }, int(5))).toEqual([-1, 0, 0, 0, 2]);
    expect(apply('Cast', [x], { dtype: 'bool' }, bool(5))).toEqual([1, 1, 0, 1, 1]);
    expect(apply('Cast', [x], { dtype: 'float32' }, float(5))).toEqual([...x.values]);
    expect(() => apply('Cast', [x], { dtype: 'complex64' }, float(5))).toThrow("'complex64'");
  });

  test('a missing attribute is named', () => {
    expect(() => apply('Step', [vector(1)], {}, float(1))).toThrow("(Step): attribute 'alpha' must be a number");
  });
});

test('predicates', () => {
  const x = vector(1, inf, -inf, nan, 0);
  expect(apply('IsFinite', [x], {}, bool(5))).toEqual([1, 0, 0, 0, 1]);
  expect(apply('IsInf', [x], {}, bool(5))).toEqual([0, 1, 1, 0, 0]);
  expect(apply('IsNan', [x], {}, bool(5))).toEqual([0, 0, 0, 1, 0]);
  expect(apply('LogicalNot', [vector(0, 1)], {}, bool(2))).toEqual([1, 0]);
});

const binary: readonly (readonly [
  kernel: string,
  a: readonly number[],
  b: readonly number[],
  expected: readonly number[],
])[] = [
  ['Add', [1, -2], [3, 0.5], [4, -1.5]],
  ['Sub', [1, -2], [3, 0.5], [-2, -2.5]],
  ['Multiply', [2, -3], [0.5, 2], [1, -6]],
  ['RealDiv', [1, -3, 1], [4, 2, 0], [0.25, -1.5, inf]],
  ['FloorDiv', [7, -7, 7, -7], [2, 2, -2, -2], [3, -4, -4, 3]],
  ['Mod', [7, -7, 7, -7, -6, 5.5], [3, 3, -3, -3, 3, 2], [1, 2, -2, -1, -0, 1.5]],
  ['Maximum', [1, 2, nan], [2, 1, 0], [2, 2, nan]],
  ['Minimum', [1, 2, nan], [2, 1, 0], [1, 1, nan]],
  ['Pow', [2, 9, 5], [10, 0.5, 0], [1024, 3, 1]],
  ['Atan2', [1, 1, 0], [0, 1, -1], [Math.PI / 2, Math.PI / 4, Math.PI]],
  ['Equal', [1, 2, nan], [1, 3, nan], [1, 0, 0]],
  ['NotEqual', [1, 2, nan], [1, 3, nan], [0, 1, 1]],
  ['Greater', [1, 2, 3], [2, 2, 2], [0, 0, 1]],
  ['GreaterEqual', [1, 2, 3], [2, 2, 2], [0, 1, 1]],
  ['Less', [1, 2, 3], [2, 2, 2], [1, 0, 0]],
  ['LessEqual', [1, 2, 3], [2, 2, 2], [1, 1, 0]],
  ['LogicalAnd', [0, 0, 1, 1], [0, 1, 0, 1], [0, 0, 0, 1]],
  ['LogicalOr', [0, 0, 1, 1], [0, 1, 0, 1], [0, 1, 1, 1]],
];

describe('binary kernels', () => {
  test.each(binary)('%s', (kernel, a, b, expected) => {
    expect(apply(kernel, [vector(...a), vector(...b)], {}, float(a.length))).toEqual(expected);
    expect(apply(kernel, [array([], [a[0]!]), vector(...b.slice(0, 1))], {}, float(1))).toEqual(expected.slice(0, 1));
    expect(apply(kernel, [array([0, 2], []), array([2], [1, 2])], {}, float(0, 2))).toEqual([]);
  });

  test('broadcast both sides along different axes', () => {
    const column = array([2, 1], [10, 20]);
    expect(apply('Sub', [column, vector(1, 2, 3)], {}, float(2, 3))).toEqual([9, 8, 7, 19, 18, 17]);
    const a = array([2, 1, 2], [1, 2, 3, 4]);
    expect(apply('Add', [a, array([3, 1], [10, 20, 30])], {}, float(2, 3, 2))).toEqual([
      11, 12, 21, 22, 31, 32, 13, 14, 23, 24, 33, 34,
    ]);
    expect(apply('Add', [array([1, 3], [1, 2, 3]), array([0, 1], [])], {}, float(0, 3))).toEqual([]);
  });

  test('shapes that do not broadcast', () => {
    expect(() => apply('Add', [vector(1, 2), vector(1, 2, 3)], {}, float(3))).toThrow(
      '(Add): shapes [2] and [3] do not broadcast',
    );
  });

  test('int32 results are exact and wrap', () => {
    const largest = 2147483647;
    expect(apply('Add', [vector(largest), vector(1)], {}, int(1))).toEqual([-2147483648]);
    expect(apply('Multiply', [vector(largest, 46341), vector(largest, 46341)], {}, int(2))).toEqual([1, -2147479015]);
    expect(apply('Square', [vector(largest)], {}, int(1))).toEqual([1]);
    expect(apply('FloorDiv', [vector(largest, -1), vector(2, 2)], {}, int(2))).toEqual([1073741823, -1]);
    expect(apply('Mod', [vector(-largest), vector(largest - 1)], {}, int(1))).toEqual([2147483645]);
    expect(apply('Multiply', [vector(largest), vector(largest)], {}, float(1))).toEqual([largest ** 2]);
  });
});

describe('Select', () => {
  test('takes each element from the side that the condition names', () => {
    const sides = [array([1, 3], [1, 2, 3]), array([1, 3], [nan, 20, 30])];
    expect(apply('Select', [array([1, 3], [1, 0, 1]), ...sides], {}, float(1, 3))).toEqual([1, 20, 3]);
    expect(apply('Select', [vector(), vector(), vector()], {}, float(0))).toEqual([]);
  });

  test('refuses shapes that differ', () => {
    expect(() => apply('Select', [array([], [1]), vector(1, 2), vector(3, 4)], {}, float(2))).toThrow('[], [2], [2]');
  });
});

test('a wrong number of inputs', () => {
  expect(() => apply('Exp', [vector(1), vector(2)], {}, float(1))).toThrow(
    '(Exp): takes 1 inputs, but the equation has 2',
  );
  expect(() => apply('Add', [vector(1)], {}, float(1))).toThrow('(Add): takes 2 inputs, but the equation has 1');
  expect(() => apply('Select', [vector(1), vector(2)], {}, float(1))).toThrow('takes 3 inputs');
});
