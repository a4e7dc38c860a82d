import { describe, expect, test } from 'vitest';
import { richardson } from '../src/index.ts';

/** The derivative of the scalar function `f` at `x`. */
function slope(f: (x: number) => number, x: number): number {
  return richardson(([value]) => Float64Array.of(f(value!)), Float64Array.of(x), Float64Array.of(1))[0]!;
}

const smooth: readonly (readonly [name: string, f: (x: number) => number, x: number, expected: number])[] = [
  ['a cubic', (x) => x ** 3 - 2 * x, 1.7, 3 * 1.7 ** 2 - 2],
  ['exp', Math.exp, 2, Math.exp(2)],
  ['log near its pole', Math.log, 0.05, 20],
  ['sin', Math.sin, 0.9, Math.cos(0.9)],
  ['a fast sine', (x) => Math.sin(40 * x), 0.3, 40 * Math.cos(12)],
  ['tanh', Math.tanh, -0.6, 1 - Math.tanh(-0.6) ** 2],
  ['sqrt', Math.sqrt, 3, 0.5 / Math.sqrt(3)],
  ['a square root next to its end', Math.sqrt, 0.01, 5],
  ['a quotient next to a pole', (x) => 1 / (1 + x * x * 25), 0.2, -2.5],
  ['a kink nearby', (x) => Math.max(x, 0) ** 2 + x, 0.04, 1.08],
];

describe('directional derivatives', () => {
  test.each(smooth)('%s to 1e-10', (_, f, x, expected) => {
    expect(Math.abs(slope(f, x) / expected - 1)).toBeLessThan(1e-10);
  });

  test('of a function of vectors are the Jacobian times the direction', () => {
    const f = ([a, b]: Float64Array): Float64Array =>
      Float64Array.of(a! * b!, Math.exp(a!) + b! ** 3, Math.sin(a! - b!));
    const result = richardson(f, Float64Array.of(0.5, -1.2), Float64Array.of(2, 3));
    const expected = [-1.2 * 2 + 0.5 * 3, Math.exp(0.5) * 2 + 3 * 1.44 * 3, -Math.cos(1.7)];
    expect(result).toHaveLength(3);
    expected.forEach((y, i) => {
      expect(Math.abs(result[i]! / y - 1)).toBeLessThan(1e-10);
    });
  });

  test('scale with the direction', () => {
    const f = (x: Float64Array): Float64Array => x.map(Math.exp);
    const result = richardson(f, Float64Array.of(1), Float64Array.of(1e6))[0]!;
    expect(Math.abs(result / (1e6 * Math.E) - 1)).toBeLessThan(1e-10);
  });

  test('an analytic second derivative gives the third', () => {
    expect(
      Math.abs(slope((x) => (2 + 4 * x * x) * Math.exp(x * x), 0.7) / ((12 * 0.7 + 8 * 0.343) * Math.exp(0.49)) - 1),
    ).toBeLessThan(1e-10);
  });

  test('of constants, and along no direction, are zero', () => {
    expect(slope(() => 3, 1)).toBe(0);
    expect([...richardson((x) => x, Float64Array.of(1, 2), Float64Array.of(0, 0))]).toEqual([0, 0]);
    expect([...richardson((x) => x, new Float64Array(0), new Float64Array(0))]).toEqual([]);
  });

  test('are NaN where the function is', () => {
    expect(slope(Math.log, -5)).toBe(Number.NaN);
  });
});

test('x and direction of different sizes', () => {
  expect(() => richardson((x) => x, Float64Array.of(1), Float64Array.of(1, 2))).toThrow(
    'x has 1 elements and direction has 2',
  );
});
