import '@posteriors/backend/cpu';
import '@posteriors/backend/wasm';
import { grad, jit, vmap } from '@posteriors/autodiff';
import { setBackend } from '@posteriors/backend';
import { expectNoLeak } from '@posteriors/testing';
import { mul, scalar, sum, type Tensor, tensor1d, tensor2d, zeros } from '@tensorflow/tfjs-core';
import { beforeEach, describe, expect, test } from 'vitest';
import { diagNormalLogProb, gaussianLogProb } from '../src/index.ts';
import { asTensor, golden } from './golden.ts';

await setBackend('cpu');
beforeEach(() => setBackend('cpu'));

describe.each(['cpu', 'wasm'] as const)('equals PyTorch on %s', (device) => {
  beforeEach(() => setBackend(device));

  test.each(golden.gaussians)('sd: $name', (each) => {
    const [means, targets, direction] = [each.means, each.targets, each.direction].map(asTensor) as [
      Tensor,
      Tensor,
      Tensor,
    ];
    const sd = each.name === 'number' ? (each.sd as number) : asTensor(each.sd);
    expect(gaussianLogProb(means, targets, sd)).toBeAllClose(each.values, { rtol: 2e-6 });
    const total = (...args: Parameters<typeof gaussianLogProb>): Tensor =>
      sum(mul(direction, gaussianLogProb(...args)));
    const [byMeans, byTargets, bySd] = each.gradients;
    expect(grad((m: Tensor) => total(m, targets, sd))(means)).toBeAllClose(byMeans);
    expect(grad((t: Tensor) => total(means, t, sd))(targets)).toBeAllClose(byTargets);
    if (bySd)
      expect(grad((s: Tensor) => total(means, targets, s))(sd as Tensor)).toBeAllClose(bySd, {
        rtol: 1e-5,
        atol: 1e-4,
      });
  });
});

test('sums to the density of all, and by default has a standard deviation of 1', () => {
  const [means, targets] = [tensor1d([0, 1, 2]), tensor1d([0.5, -1, 2.5])];
  expect(sum(gaussianLogProb(means, targets, 3))).toBeAllClose(diagNormalLogProb(targets, means, 3));
  expect(gaussianLogProb(means, targets)).toBeAllClose(gaussianLogProb(means, targets, scalar(1)));
});

test('is the same compiled and mapped', () => {
  const [means, targets] = [tensor2d([[0, 1], [2, 3]]), tensor2d([[1, 1], [1, 1]])]; // biome-ignore format: rows
  const f = (m: Tensor, t: Tensor, sd: Tensor): Tensor => gaussianLogProb(m, t, sd);
  const expected = gaussianLogProb(means, targets, tensor2d([[2], [3]]));
  expect(vmap(f)(means, targets, tensor1d([2, 3]))).toBeAllClose(expected);
  expect(jit(vmap(f))(means, targets, tensor1d([2, 3]))).toBeAllClose(expected);
});

test('errors name what does not fit, and nothing is left', () => {
  const [three, two] = [zeros([3]), zeros([2])];
  expectNoLeak(() => {
    gaussianLogProb(three, three, three).dispose();
    expect(() => gaussianLogProb(three, two)).toThrow(
      'distributions.gaussianLogProb: the targets have shape [2] and the means [3]; they must be the same',
    );
    expect(() => gaussianLogProb(three, three, two)).toThrow(
      'distributions.gaussianLogProb: sd $ has shape [2], which does not broadcast to the shape [3] of means $',
    );
    for (const sd of [0, -1, Number.NaN])
      expect(() => gaussianLogProb(three, three, sd)).toThrow(`sd is ${sd} and must be positive`);
  });
});
