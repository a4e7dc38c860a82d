import { expect, test } from 'vitest';
import { erf } from '../src/erf.ts';

/** The nearest float64 to values computed with 40 digits. */
const known: readonly (readonly [x: number, expected: number])[] = [
  [1e-9, 1.1283791670955127e-9],
  [0.125, 0.14031620480133383],
  [0.5, 0.5204998778130465],
  [1, 0.8427007929497149],
  [1.4375, 0.95794060605646],
  [1.5, 0.9661051464753108],
  [1.5625, 0.9728746138209335],
  [2, 0.9953222650189527],
  [3, 0.9999779095030014],
  [4.5, 0.9999999998033839],
];

test.each(known)('erf(%d) to 1e-15, and odd', (x, expected) => {
  expect(Math.abs(erf(x) / expected - 1)).toBeLessThan(1e-15);
  expect(erf(-x)).toBe(-erf(x));
});

test('ends', () => {
  expect([0, -0, 7, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN].map(erf)).toEqual([
    0,
    -0,
    1,
    1,
    -1,
    Number.NaN,
  ]);
});
