import { describe, expect, test } from 'vitest';
import { growth } from '../src/transforms/growth.ts';

describe('growth', () => {
  test('is the exponent of a power law', () => {
    const costs = [10, 20, 50, 100].map((size) => ({ size, medianMs: 3 * size ** 1.5 }));
    expect(growth(costs)).toBeCloseTo(1.5, 12);
  });

  test('leaves out the sizes below a tenth of the largest', () => {
    const costs = [1, 9, 10, 30, 100].map((size) => ({ size, medianMs: size < 10 ? 1_000 : size }));
    expect(growth(costs)).toBeCloseTo(1, 12);
  });

  test('refuses a single size', () => {
    expect(() => growth([{ size: 100, medianMs: 1 }])).toThrow('two sizes from 10 to 100 are needed, got 1');
  });
});
