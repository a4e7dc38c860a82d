// The running moments of normal draws, each against those of the draws so far in float64.
import '@posteriors/backend/cpu';
import '@posteriors/backend/wasm';
import { setBackend } from '@posteriors/backend';
import { key, normal } from '@posteriors/random';
import '@posteriors/testing';
import { expect, test } from 'vitest';
import { cumulativeMeanAndCov } from '../src/index.ts';

test.each(['cpu', 'wasm'] as const)('30 draws of 5 numbers on %s, to 1e-5 and 1e-7', async (device) => {
  await setBackend(device);
  const [count, dimension] = [30, 5];
  const xs = normal(key(42), [count, dimension]);
  const rows = xs.arraySync() as number[][];
  const { means, covs } = cumulativeMeanAndCov(xs);
  expect([means.shape, covs.shape]).toEqual([[count, dimension], [count, dimension, dimension]]); // biome-ignore format: shapes
  const [foundMeans, foundCovs] = [means.arraySync() as number[][], covs.arraySync() as number[][][]];
  const columns = Array.from({ length: dimension }, (_, j) => j);
  for (let n = 1; n <= count; n++) {
    const seen = rows.slice(0, n);
    const mean = columns.map((j) => seen.reduce((sum, row) => sum + row[j]!, 0) / n);
    const close = { rtol: 1e-5, atol: 1e-7 };
    expect(foundMeans[n - 1], `mean of ${n}`).toBeAllClose(mean, close);
    if (n === 1) continue;
    const cov = columns.map((i) =>
      columns.map((j) => seen.reduce((sum, row) => sum + (row[i]! - mean[i]!) * (row[j]! - mean[j]!), 0) / (n - 1)),
    );
    expect(foundCovs[n - 1], `covariance of ${n}`).toBeAllClose(cov, close);
  }
});
