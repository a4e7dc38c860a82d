import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { accuracy, entropySplit, meanPrediction } from '../src/index.ts';
import { samples } from './arbitrary.ts';

const entropy = (p: number[]) => p.reduce((sum, x) => (x > 0 ? sum - x * Math.log(x) : sum), 0);

describe('meanPrediction', () => {
  test('averages over draws and feeds the other metrics', () => {
    const mean = meanPrediction([
      [
        [0.5, 0.5],
        [1, 0],
      ],
      [
        [0, 1],
        [0.5, 0.5],
      ],
    ]);
    expect(mean).toEqual({ values: Float64Array.of(0.25, 0.75, 0.75, 0.25), shape: [2, 2] });
    expect(accuracy(mean, [1, 1])).toBe(0.5);
  });
});

describe('entropySplit', () => {
  test('of draws that are certain and disagree is all epistemic', () => {
    const { total, aleatoric, epistemic } = entropySplit([[[1, 0]], [[0, 1]]]);
    expect(total[0]).toBeCloseTo(Math.log(2), 14);
    expect(aleatoric[0]).toBe(0);
    expect(epistemic[0]).toBeCloseTo(Math.log(2), 14);
  });

  test('of draws that agree is all aleatoric', () => {
    const row = [0.1, 0.2, 0.7];
    const { total, aleatoric, epistemic } = entropySplit([[row], [row], [row]]);
    expect(total[0]).toBeCloseTo(entropy(row), 14);
    expect(aleatoric[0]).toBeCloseTo(entropy(row), 14);
    expect(epistemic[0]).toBeCloseTo(0, 14);
  });

  test('of one certain draw is zero throughout', () => {
    const zero = Float64Array.of(0);
    expect(entropySplit([[[0, 1, 0]]])).toEqual({ total: zero, aleatoric: zero, epistemic: zero });
  });

  test('total is the sum of the parts, epistemic the mean divergence from the mean prediction', () => {
    fc.assert(
      fc.property(samples, (draws) => {
        const split = entropySplit(draws);
        const mean = draws[0]!.map((row, n) =>
          row.map((_, k) => draws.reduce((sum, draw) => sum + draw[n]![k]!, 0) / draws.length),
        );
        mean.forEach((p, n) => {
          const divergence = (q: number[]) => q.reduce((sum, x, k) => (x > 0 ? sum + x * Math.log(x / p[k]!) : sum), 0);
          const information = draws.reduce((sum, draw) => sum + divergence(draw[n]!), 0) / draws.length;
          expect(split.epistemic[n]).toBeCloseTo(information, 12);
          expect(split.epistemic[n]).toBeGreaterThanOrEqual(0);
          expect(split.total[n]).toBeCloseTo(entropy(p), 12);
          expect(split.aleatoric[n]! + split.epistemic[n]!).toBeCloseTo(split.total[n]!, 12);
        });
      }),
    );
  });

  test('reads nested and shaped arrays alike', () => {
    fc.assert(
      fc.property(samples, (draws) => {
        const shape = [draws.length, draws[0]!.length, draws[0]![0]!.length];
        expect(entropySplit({ values: Float64Array.from(draws.flat(2)), shape })).toEqual(entropySplit(draws));
      }),
    );
  });
});
