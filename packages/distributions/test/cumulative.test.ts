import '@posteriors/backend/cpu';
import '@posteriors/backend/wasm';
import { jit } from '@posteriors/autodiff';
import { setBackend } from '@posteriors/backend';
import { expectNoLeak } from '@posteriors/testing';
import { add, scalar, slice, sub, tensor2d, zeros } from '@tensorflow/tfjs-core';
import { beforeEach, expect, test } from 'vitest';
import { cumulativeMeanAndCov } from '../src/index.ts';
import { asTensor, golden } from './golden.ts';

await setBackend('cpu');
beforeEach(() => setBackend('cpu'));

test.each(['cpu', 'wasm'] as const)('equals the mean and the covariance of each beginning, on %s', async (device) => {
  await setBackend(device);
  const xs = asTensor(golden.moments.xs);
  const { means, covs } = cumulativeMeanAndCov(xs);
  expect(means).toBeAllClose(golden.moments.means, { rtol: 1e-6 });
  expect(covs).toBeAllClose(golden.moments.covs, { rtol: 2e-6, atol: 2e-6 });
  expect(jit(cumulativeMeanAndCov)(xs)).toBeAllClose({ means, covs });
});

test('two vectors by hand; the first covariance is the identity', () => {
  const { means, covs } = cumulativeMeanAndCov(tensor2d([[1, 2], [3, 5]])); // biome-ignore format: rows
  expect(means).toBeAllClose([[1, 2], [2, 3.5]]); // biome-ignore format: rows
  expect(covs).toBeAllClose([[[1, 0], [0, 1]], [[2, 3], [3, 4.5]]]); // biome-ignore format: matrices
  const one = cumulativeMeanAndCov(tensor2d([[7, 8]]));
  expect([one.means, one.covs]).toBeAllClose([[[7, 8]], [[[1, 0], [0, 1]]]]); // biome-ignore format: matrices
});

test('an offset a thousand times the spread does not spoil the covariances', () => {
  const xs = asTensor(golden.moments.xs);
  const moved = add(xs, scalar(2000));
  const rounded = cumulativeMeanAndCov(sub(moved, scalar(2000))).covs;
  expect(cumulativeMeanAndCov(moved).covs).toBeAllClose(rounded, { rtol: 1e-3, atol: 2e-3 });
});

test('takes a long chain', () => {
  const count = 2000;
  const xs = tensor2d(Array.from({ length: count }, (_, i) => [i % 2, (i % 4) - 1.5]));
  const { covs } = cumulativeMeanAndCov(xs);
  const last = slice(covs, [count - 1, 0, 0], [1, 2, 2]);
  const scale = count / (count - 1);
  expect(last).toBeAllClose([[[0.25 * scale, 0.25 * scale], [0.25 * scale, 1.25 * scale]]], { rtol: 1e-4 }); // biome-ignore format: a matrix
});

test('refuses what is no matrix with a row, and leaves nothing', () => {
  const [none, row] = [zeros([0, 3]), zeros([3])];
  expectNoLeak(() => {
    expect(() => cumulativeMeanAndCov(none)).toThrow(
      'distributions.cumulativeMeanAndCov: takes float32 [n, d] with n at least 1, not float32[0,3]',
    );
    expect(() => cumulativeMeanAndCov(row)).toThrow('with n at least 1, not float32[3]');
  });
});
