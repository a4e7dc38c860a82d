import { expectNoLeak } from '@posteriors/testing';
import { scalar, type Tensor } from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { expect, test } from 'vitest';

test('a run that disposes what it makes passes', async () => {
  expectNoLeak(() => scalar(1).dispose());
  await expectNoLeak(async () => scalar(1).dispose());
});

test('a run that keeps or frees a tensor fails', async () => {
  let kept: Tensor = scalar(0);
  expect(() => expectNoLeak(() => kept.dispose())).toThrow('live tensors');
  const keep = () => {
    kept = scalar(1);
  };
  expect(() => expectNoLeak(keep)).toThrow('live tensors');
  kept.dispose();
  await expect(expectNoLeak(async () => keep())).rejects.toThrow('live tensors');
  kept.dispose();
});

test('what the run throws is passed on', () => {
  const run = () => {
    throw new Error('from the run');
  };
  expect(() => expectNoLeak(run)).toThrow('from the run');
});
