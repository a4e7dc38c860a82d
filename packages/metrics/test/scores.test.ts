import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { brier, negativeLogLikelihood } from '../src/index.ts';
import { labelled } from './arbitrary.ts';

describe('negativeLogLikelihood', () => {
  test('is the mean of -log p of the labels', () => {
    const probabilities = [
      [0.5, 0.25, 0.25],
      [0.1, 0.1, 0.8],
    ];
    expect(negativeLogLikelihood(probabilities, [1, 2])).toBeCloseTo((Math.log(4) - Math.log(0.8)) / 2, 14);
  });

  test('of a uniform prediction is log k', () => {
    expect(negativeLogLikelihood([new Float32Array(8).fill(1 / 8)], [5])).toBeCloseTo(Math.log(8), 14);
  });

  test('is zero where the label has probability 1 and 149 log 2 where it has 0', () => {
    expect(negativeLogLikelihood([[1, 0]], [0])).toBe(0);
    expect(negativeLogLikelihood([[1, 0]], [1])).toBeCloseTo(149 * Math.log(2), 12);
  });

  test('leaves the smallest normal float32 as it is', () => {
    expect(negativeLogLikelihood([[1, 2 ** -126]], [1])).toBeCloseTo(126 * Math.log(2), 12);
  });
});

describe('brier', () => {
  test('is 0 for certain and right, 2 for certain and wrong, 1 - 1/k for uniform', () => {
    expect(brier([[0, 1]], [1])).toBe(0);
    expect(brier([[0, 1]], [0])).toBe(2);
    expect(brier([[0.25, 0.25, 0.25, 0.25]], [3])).toBeCloseTo(0.75, 14);
  });

  test('equals 1 - 2 p_y + |p|^2 on average', () => {
    fc.assert(
      fc.property(labelled, ({ probabilities, labels }) => {
        const each = probabilities.map(
          (row, i) => 1 - 2 * (row[labels[i]!] as number) + row.reduce((sum, p) => sum + p * p, 0),
        );
        expect(brier(probabilities, labels)).toBeCloseTo(each.reduce((sum, x) => sum + x, 0) / each.length, 12);
      }),
    );
  });
});
