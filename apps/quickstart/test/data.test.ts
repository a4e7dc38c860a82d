import { describe, expect, test } from 'vitest';
import { type Images, loadFashion, loadMnist, PIXELS } from '../src/data.ts';

function mean({ images }: Images): number {
  let sum = 0;
  for (const level of images) sum += level;
  return sum / images.length;
}

describe('loadMnist', async () => {
  const { train, test: held } = await loadMnist();

  test('holds 60,000 digits to train on and 10,000 to test on', () => {
    expect([train.count, train.images.length, train.labels.length]).toEqual([60_000, 60_000 * PIXELS, 60_000]);
    expect([held.count, held.images.length, held.labels.length]).toEqual([10_000, 10_000 * PIXELS, 10_000]);
    expect([...train.labels.subarray(0, 5)]).toEqual([5, 0, 4, 1, 9]);
    expect([...held.labels.subarray(0, 5)]).toEqual([7, 2, 1, 0, 4]);
  });

  test('has every digit about as often', () => {
    const counts = Array.from({ length: 10 }, (_, digit) => train.labels.filter((label) => label === digit).length);
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(60_000);
    expect(Math.min(...counts)).toBeGreaterThan(5_400);
  });

  test('scales pixels to 0..1, with the known mean', () => {
    expect(mean(train)).toBeCloseTo(0.1307, 4);
    expect(train.images.subarray(0, PIXELS).reduce((most, level) => Math.max(most, level))).toBe(1);
  });
});

describe('loadFashion', async () => {
  const fashion = await loadFashion();

  test('holds 766 images of the digits’ size', () => {
    expect(fashion.count).toBe(766);
    expect(fashion.images).toHaveLength(766 * PIXELS);
  });

  test('scales pixels to 0..1; clothes cover more of the image than digits', () => {
    expect(fashion.images.every((level) => level >= 0 && level <= 1)).toBe(true);
    expect(mean(fashion)).toBeGreaterThan(0.2);
  });
});
