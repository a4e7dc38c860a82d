// Tests of the distributions, with fixed seeds. n is 1e6; a moment's tolerance is 4 of its standard errors, and the
// Kolmogorov-Smirnov tests reject at p = 1e-4, where sqrt(n) D = 2.225.
import '@posteriors/backend/cpu';
import { tensor1d } from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import { bernoulli, categorical, key, normal, split, uniform } from '../src/index.ts';

const n = 1_000_000;
const standardErrors = 4;
const criticalDistance = Math.sqrt(Math.log(2 / 1e-4) / 2) / Math.sqrt(n);

function distance(draws: Float32Array, cdf: (x: number) => number): number {
  let largest = 0;
  draws.toSorted().forEach((x, i) => {
    const p = cdf(x);
    largest = Math.max(largest, p - i / n, (i + 1) / n - p);
  });
  return largest;
}

function mean(draws: Float32Array, f: (x: number) => number): number {
  return draws.reduce((sum, x) => sum + f(x), 0) / n;
}

/** The normal distribution function, by the trapezoidal rule on a grid of 1e-3 and linear interpolation: right to 1e-7. */
function normalCdf(): (x: number) => number {
  const step = 1e-3;
  const cumulative = new Float64Array(16001);
  const density = (x: number) => Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI);
  for (let i = 1; i <= 16000; i++) {
    const x = i * step - 8;
    cumulative[i] = cumulative[i - 1]! + (step / 2) * (density(x - step) + density(x));
  }
  return (x) => {
    const position = (x + 8) / step;
    const cell = Math.floor(position);
    return cumulative[cell]! + (position - cell) * (cumulative[cell + 1]! - cumulative[cell]!);
  };
}

describe('uniform', () => {
  const draws = uniform(key(2024), [n]).dataSync() as Float32Array;

  test('Kolmogorov-Smirnov', () => {
    expect(distance(draws, (x) => x)).toBeLessThan(criticalDistance);
  });

  test('moments', () => {
    expect(Math.abs(mean(draws, (x) => x) - 1 / 2)).toBeLessThan(standardErrors * Math.sqrt(1 / 12 / n));
    expect(Math.abs(mean(draws, (x) => (x - 0.5) ** 2) - 1 / 12)).toBeLessThan(standardErrors * Math.sqrt(1 / 180 / n));
    expect(Math.max(...draws.subarray(0, 1000))).toBeLessThan(1);
  });
});

describe('normal', () => {
  const draws = normal(key(2025), [n]).dataSync() as Float32Array;

  test('Kolmogorov-Smirnov', () => {
    expect(distance(draws, normalCdf())).toBeLessThan(criticalDistance);
  });

  test('moments 1 to 4', () => {
    const variances = [1, 2, 15, 96];
    [0, 1, 0, 3].forEach((expected, i) => {
      const moment = mean(draws, (x) => x ** (i + 1));
      expect(Math.abs(moment - expected)).toBeLessThan(standardErrors * Math.sqrt(variances[i]! / n));
    });
  });

  test('tails beyond 4', () => {
    const p = 3.1671e-5; // of one tail
    for (const sign of [-1, 1]) {
      const beyond = mean(draws, (x) => (sign * x > 4 ? 1 : 0));
      expect(Math.abs(beyond - p)).toBeLessThan(standardErrors * Math.sqrt(p / n));
    }
  });

  test('neighbours, and the draws of split keys, are uncorrelated', () => {
    const [a, b] = split(key(7)).map((each) => normal(each, [n]).dataSync()) as [Float32Array, Float32Array];
    const tolerance = standardErrors / Math.sqrt(n);
    expect(Math.abs(a.reduce((sum, x, i) => sum + x * b[i]!, 0) / n)).toBeLessThan(tolerance);
    expect(Math.abs(draws.reduce((sum, x, i) => sum + x * (draws[i + 1] ?? 0), 0) / n)).toBeLessThan(tolerance);
  });
});

test('bernoulli has its frequency', () => {
  const p = 0.3;
  const draws = bernoulli(key(1), p, [n]).dataSync() as Uint8Array;
  const frequency = draws.reduce((sum, x) => sum + x, 0) / n;
  expect(Math.abs(frequency - p)).toBeLessThan(standardErrors * Math.sqrt((p * (1 - p)) / n));
});

test('categorical has the frequencies of the softmax', () => {
  const logits = [0.3, -1.2, 2, 0];
  const counts = [0, 0, 0, 0];
  for (const category of categorical(key(4), tensor1d(logits), { shape: [n / 4] }).dataSync()) counts[category]!++;
  const total = logits.reduce((sum, x) => sum + Math.exp(x), 0);
  logits.forEach((logit, i) => {
    const p = Math.exp(logit) / total;
    expect(Math.abs(counts[i]! / (n / 4) - p)).toBeLessThan(standardErrors * Math.sqrt((p * (1 - p)) / (n / 4)));
  });
});
