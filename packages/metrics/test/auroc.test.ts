import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { auroc } from '../src/index.ts';

const scores = fc.array(fc.integer({ min: -4, max: 4 }), { minLength: 1, maxLength: 25 });

describe('auroc', () => {
  test('is 1 for separated scores, 0 for reversed ones, a half for equal ones', () => {
    expect(auroc([2, 3], [0, 1])).toBe(1);
    expect(auroc([0, 1], [2, 3])).toBe(0);
    expect(auroc([1, 1, 1], [1, 1])).toBe(0.5);
    expect(auroc([1], [1])).toBe(0.5);
  });

  test('counts ties half', () => {
    expect(auroc([1, 2], [1, 0])).toBe((0.5 + 1 + 1 + 1) / 4);
  });

  test('equals the count over all pairs', () => {
    fc.assert(
      fc.property(scores, scores, (positives, negatives) => {
        const wins = positives.flatMap((p) => negatives.map((n) => (p > n ? 1 : p === n ? 0.5 : 0)) as number[]);
        const share = wins.reduce((sum, win) => sum + win, 0) / wins.length;
        expect(auroc(positives, negatives)).toBeCloseTo(share, 12);
      }),
    );
  });

  test('swaps to its complement and depends on the order alone', () => {
    fc.assert(
      fc.property(scores, scores, (positives, negatives) => {
        expect(auroc(positives, negatives) + auroc(negatives, positives)).toBeCloseTo(1, 12);
        const exponentials = (values: number[]) => Float32Array.from(values, Math.exp);
        expect(auroc(exponentials(positives), exponentials(negatives))).toBe(auroc(positives, negatives));
      }),
    );
  });

  test('leaves its arguments in their order and takes infinite scores', () => {
    const positives = [3, 1, Number.POSITIVE_INFINITY];
    const negatives = Float32Array.of(2, Number.NEGATIVE_INFINITY);
    expect(auroc(positives, negatives)).toBe(5 / 6);
    expect(positives).toEqual([3, 1, Number.POSITIVE_INFINITY]);
    expect(negatives).toEqual(Float32Array.of(2, Number.NEGATIVE_INFINITY));
  });
});
