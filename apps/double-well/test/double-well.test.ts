import * as tf from '@tensorflow/tfjs-core';
import { setBackend } from 'posteriors';
import { beforeAll, expect, test } from 'vitest';
import { describe as describeDraws, exactMoments, logMarginal, logPosterior, MODE } from '../src/density.ts';
import { fit, sample, samplers } from '../src/inference.ts';
import { draw } from '../src/picture.ts';

beforeAll(() => setBackend('cpu'));

test('the log density is that of both coordinates, and largest at its four modes', () => {
  const at = (x: number, y: number): number => logPosterior(tf.tensor1d([x, y]), null)[0].dataSync()[0] as number;
  expect(at(0.5, -1.5)).toBeCloseTo(logMarginal(0.5) + logMarginal(-1.5), 5);
  for (const [x, y] of [[MODE, MODE], [MODE, -MODE], [-MODE, -MODE]] as const) expect(at(x, y)).toBeCloseTo(5, 5); // biome-ignore format: points
});

test('exact moments obey integration by parts: E[x p′/p] = -1', () => {
  const { meanSquare } = exactMoments();
  let [total, fourth] = [0, 0];
  for (let x = -8; x <= 8; x += 1e-2) {
    total += Math.exp(logMarginal(x));
    fourth += Math.exp(logMarginal(x)) * x ** 4;
  }
  expect(2 * meanSquare - (0.4 * fourth) / total).toBeCloseTo(-1, 8);
});

test('draws are described by moments and quadrants', () => {
  const found = describeDraws([[1, -2], [2, 2], [3, 1], [-1, -1]]); // biome-ignore format: points
  expect(found.meanSquare).toBeCloseTo((1 + 4 + 4 + 4 + 9 + 1 + 1 + 1) / 8);
  expect(found.meanSize).toBeCloseTo(13 / 8);
  const shares = Object.entries(found.quadrants).map(([quadrant, { share }]) => [quadrant, share]);
  expect(Object.fromEntries(shares)).toEqual({ '--': 0.25, '-+': 0, '+-': 0.25, '++': 0.5 });
});

test('errors of shares are those of the means of twenty blocks', () => {
  const block = (x: number): [number, number][] => Array.from({ length: 10 }, () => [x, 1]);
  const { quadrants } = describeDraws(Array.from({ length: 20 }, (_, i) => block(i % 2 === 0 ? 1 : -1)).flat());
  expect(quadrants['++']!.error).toBeCloseTo(Math.sqrt((20 * 0.25) / 19 / 20));
  expect(quadrants['--']).toEqual({ share: 0, error: 0 });
});

test('variational inference settles in one well, samplers visit all four', async () => {
  const before = tf.memory().numTensors;
  const { mean, sd } = await fit(0);
  expect(Math.hypot(mean[0] - MODE, mean[1] + MODE)).toBeLessThan(0.6);
  for (const width of sd) expect(width).toBeLessThan(1);
  for (const sampler of Object.values(samplers)) {
    const { quadrants } = describeDraws(await sample(sampler, 0, { steps: 8_000, burnIn: 500, thin: 5 }));
    for (const { share } of Object.values(quadrants)) expect(share).toBeGreaterThan(0);
  }
  expect(tf.memory().numTensors).toBe(before);
});

test('the figure has a panel for each method', () => {
  const svg = draw({ mean: [2, -2], sd: [0.5, 0.5] }, { SGHMC: [[2, 2]], BAOA: [[-2, 2]] });
  for (const text of [
    'VI: one and two standard deviations',
    'SGHMC',
    'BAOA',
    '<title>',
    'xmlns="http://www.w3.org/2000/svg"',
  ]) {
    expect(svg).toContain(text);
  }
  expect(svg.match(/<circle/g)).toHaveLength(3);
});
