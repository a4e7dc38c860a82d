import { toBeAllClose } from '@posteriors/testing';
import { scalar, tensor1d, tensor2d } from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { describe, expect, test } from 'vitest';

describe('equal structures', () => {
  test.each([
    ['numbers', 1, 1 + 1e-13],
    ['nested arrays', [[1, 2], [3]], [[1, 2], [3]]],
    ['typed arrays', Float32Array.of(1, 2), Float64Array.of(1, 2)],
    ['typed and plain arrays', Int32Array.of(1, 2), [1, 2]],
    ['a scalar and a number', scalar(2), 2],
    ['a tensor and nested arrays', tensor2d([[1, 2]]), [[1, 2]]],
    ['nested arrays and a tensor', [[1, 2]], tensor2d([[1, 2]])],
    ['a tensor and its flat values', tensor2d([[1, 2]]), Float32Array.of(1, 2)],
    ['tensors', tensor1d([1, 2]), tensor1d([1, 2])],
    ['trees', { a: [tensor1d([1]), null], b: 'x' }, { b: 'x', a: [[1], null] }],
    ['NaN and infinities', [Number.NaN, Infinity], [Number.NaN, Infinity]],
  ])('%s', (_, received, expected) => {
    expect(received).toBeAllClose(expected);
  });

  test.each([
    ['keys', { a: 1 }, { b: 1 }, '$: {a} vs {b}'],
    ['shapes', { w: tensor2d([[1, 2]]) }, { w: tensor1d([1, 2]) }, '$.w: Tensor [1,2] vs Tensor [2]'],
    ['lengths', [1, 2], [1], '$: [2 items] vs [1 items]'],
    ['kinds', [1, null], [1, 0], '$[1]: null vs 0'],
    ['a list and an object', [1], { 0: 1 }, '$: [1 items] vs {0}'],
  ])('other %s', (_, received, expected, text) => {
    expect(toBeAllClose(received, expected)).toMatchObject({ pass: false });
    expect(toBeAllClose(received, expected).message()).toBe(`toBeAllClose: structures differ at ${text}`);
  });
});

describe('tolerance', () => {
  test('is absolute plus relative to the expected value', () => {
    expect(101.4).toBeAllClose(100, { rtol: 0.01, atol: 0.5 });
    expect(101.6).not.toBeAllClose(100, { rtol: 0.01, atol: 0.5 });
  });

  test('is wider where a side is float32', () => {
    expect(tensor1d([1.000005])).toBeAllClose([1]);
    expect([1.000005]).not.toBeAllClose([1]);
    expect(tensor1d([1.00002])).not.toBeAllClose([1]);
  });

  test.each([
    ['NaN', Number.NaN, 1],
    ['an infinity', Infinity, 1],
    ['the other infinity', Infinity, -Infinity],
  ])('%s is never close', (_, received, expected) => {
    expect(received).not.toBeAllClose(expected, { rtol: 1 });
  });

  test('a failure names the worst value and its path', () => {
    const { message } = toBeAllClose({ a: [1, 2, 3.5], b: 0.1 }, { a: [1, 2, 3], b: 0 }, { rtol: 0, atol: 0.01 });
    expect(message()).toBe(
      'toBeAllClose: 2 of 4 values differ by more than rtol 0, atol 0.01; the worst is ' +
        '$.a[2]: received 3.5, expected 3, difference 0.500',
    );
  });
});
