import { describe, expect, test } from 'vitest';
import { apply, array, float, vector } from './build.ts';

const transform = (values: number[], n: number, sign: number): number[] => {
  const shape = [values.length / (2 * n), 2, n];
  return apply('FourierTransform', [array(shape, values)], { sign }, float(...shape));
};
const near = (received: number[], expected: number[]): void => {
  expect(received.length).toBe(expected.length);
  for (const [i, value] of received.entries()) expect(value).toBeCloseTo(expected[i]!, 12);
};

describe('FourierTransform', () => {
  test('of a shifted impulse is a wave', () => {
    const half = Math.sqrt(3) / 2;
    near(transform([0, 1, 0, 0, 0, 0], 3, -1), [1, -0.5, -0.5, 0, -half, half]);
    near(transform([0, 1, 0, 0, 0, 0], 3, 1), [1, -0.5, -0.5, 0, half, -half]);
  });

  test('of an imaginary impulse is an imaginary wave', () => {
    near(transform([0, 0, 0, 0, 0, 1, 0, 0], 4, -1), [0, 1, 0, -1, 1, 0, -1, 0]);
  });

  test('there and back is the length times the input, in each row', () => {
    const x = Array.from({ length: 20 }, (_, i) => Math.sin(3 * i));
    near(
      transform(transform(x, 5, -1), 5, 1),
      x.map((value) => 5 * value),
    );
  });

  test('of one number is itself', () => {
    near(transform([2, -3], 1, -1), [2, -3]);
  });

  test('takes pairs only', () => {
    expect(() => apply('FourierTransform', [vector(1, 2)], { sign: 1 }, float(2))).toThrow(/real and imaginary parts/);
  });
});
