import { describe, expect, test } from 'vitest';
import { stepsPerScan, timeCalls } from '../src/many-steps.ts';
import { withChains } from '../src/workloads/chains.ts';
import { load } from '../src/workloads/w1.ts';
import type { PosteriorWorkload } from '../src/workloads/workload.ts';

describe('stepsPerScan', () => {
  test('is of the small workloads alone, and smaller for chains', async () => {
    const small = (await load()) as PosteriorWorkload;
    const chains = { ...small, model: withChains(small.model, 3) };
    const network = { ...small, model: { ...small.model, name: 'network' } } as const;
    expect([small, chains, network].map(stepsPerScan)).toEqual([1_000, 100, undefined]);
  });
});

describe('timeCalls', () => {
  test.each([
    [5, 1, 5],
    [200, 100, 2],
    [201, 100, 3],
  ])('makes of %i steps, %i in a call, %i calls', async (steps, stepsPerCall, expected) => {
    let calls = 0;
    await timeCalls(
      steps,
      stepsPerCall,
      () => calls++,
      async () => {},
    );
    expect(calls).toBe(expected);
  });

  test('answers the share of the steps that were asked for in the time of all', async () => {
    const wait = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 100));
    const ms = await timeCalls(1, 10, () => {}, wait);
    expect(ms).toBeGreaterThan(9);
    expect(ms).toBeLessThan(50);
  });
});
