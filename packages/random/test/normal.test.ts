import { expect, test } from 'vitest';
import { fillNormal, normalOfBits } from '../src/normal.ts';
import { floats, golden } from './golden.ts';

const largestError = (actual: ArrayLike<number>, expected: ArrayLike<number>): number =>
  Array.from(expected).reduce((worst, value, i) => Math.max(worst, Math.abs(actual[i]! / value - 1)), 0);

test('equals JAX to 2e-6 relative, through both tails and the branch', () => {
  const { bits, normal } = golden.normalOfBits;
  expect(largestError(bits.map(normalOfBits), floats(normal))).toBeLessThan(2e-6);
  expect(Math.min(...bits)).toBe(0);
  expect(Math.max(...bits)).toBe(0xfffffe00);
});

test('equals the normal numbers of jax.random to 2e-6 relative', () => {
  for (const { bits, normal } of golden.samples) {
    const actual = new Float32Array(bits.length);
    fillNormal(actual, Int32Array.from(bits));
    expect(largestError(actual, floats(normal))).toBeLessThan(2e-6);
  }
});

test('is finite, of float32 precision and increasing over a comb of all bits, and ignores the lower 9', () => {
  let previous = -Infinity;
  for (let mantissa = 0; mantissa < 2 ** 23; mantissa += mantissa < 4096 || mantissa >= 2 ** 23 - 4096 ? 1 : 64) {
    const value = normalOfBits(mantissa << 9);
    if (!(value > previous && value < Infinity && value === Math.fround(value))) {
      expect.fail(`normalOfBits(${mantissa} << 9) is ${value} after ${previous}`);
    }
    previous = value;
  }
  expect(normalOfBits((12345 << 9) | 511)).toBe(normalOfBits(12345 << 9));
});

test('works in place, on bits in the memory of the result', () => {
  const bits = Int32Array.from(golden.normalOfBits.bits);
  const apart = new Float32Array(bits.length);
  fillNormal(apart, bits);
  fillNormal(new Float32Array(bits.buffer), bits);
  expect(new Float32Array(bits.buffer)).toEqual(apart);
});
