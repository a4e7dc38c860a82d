import '@posteriors/backend/cpu';
import '@posteriors/backend/wasm';
import { grad, jit, vmap } from '@posteriors/autodiff';
import { setBackend } from '@posteriors/backend';
import { expectNoLeak } from '@posteriors/testing';
import { mul, sum, type Tensor, tensor1d, zeros } from '@tensorflow/tfjs-core';
import { beforeEach, describe, expect, test } from 'vitest';
import { type PoissonRate, poissonLogProb } from '../src/index.ts';
import { asTensor, golden } from './golden.ts';

await setBackend('cpu');
beforeEach(() => setBackend('cpu'));

const rateOf = (name: string, values: Tensor): PoissonRate => ({ [name]: values }) as never;

describe.each(['cpu', 'wasm'] as const)('equals PyTorch on %s', (device) => {
  beforeEach(() => setBackend(device));

  test.each(['rate', 'logRate'] as const)('by %s', (name) => {
    const each = golden.poissons[name];
    const [given, direction] = [asTensor(each.given), asTensor(golden.poissons.direction)];
    const counts = tensor1d(golden.poissons.counts, 'int32');
    // A log rate of 9.4 is known to 1e-6, and it is multiplied by counts of up to 12,300.
    const close = { rtol: 1e-5, atol: name === 'rate' ? 1e-3 : 2e-2 };
    expect(poissonLogProb(rateOf(name, given), counts)).toBeAllClose(each.values, close);
    const few = tensor1d(golden.poissons.counts.slice(0, 10), 'int32');
    const fewValues = poissonLogProb(rateOf(name, tensor1d(each.given.slice(0, 10))), few);
    expect(fewValues).toBeAllClose(each.values.slice(0, 10), { rtol: 2e-6, atol: 4e-5 });
    const gradient = grad((r: Tensor) => sum(poissonLogProb(rateOf(name, r), counts)));
    expect(gradient(given)).toBeAllClose(each.gradient, { rtol: 1e-5, atol: name === 'rate' ? 1e-6 : 1e-2 });
    const product = grad((r: Tensor) => sum(mul(gradient(r), direction)));
    expect(product(given)).toBeAllClose(each.hessianProduct, { rtol: 1e-5 });
  });
});

test('sums to 1 over the counts', () => {
  const counts = Array.from({ length: 60 }, (_, k) => k);
  for (const rate of [0.1, 1, 7, 20]) {
    const values = poissonLogProb({ rate: tensor1d(counts.map(() => rate)) }, tensor1d(counts, 'int32')).dataSync();
    expect([...values].reduce((total, value) => total + Math.exp(value), 0)).toBeCloseTo(1, 5);
  }
});

test('of a rate of 0 is certain of a count of 0, and its derivatives are finite', () => {
  const counts = tensor1d([0, 2], 'int32');
  for (const [name, none] of [
    ['rate', 0],
    ['logRate', Number.NEGATIVE_INFINITY],
  ] as const) {
    // biome-ignore format: rows
    const given = tensor1d([none, none]);
    expect(poissonLogProb(rateOf(name, given), counts).dataSync()).toEqual(
      Float32Array.of(0, Number.NEGATIVE_INFINITY),
    );
    const slope = grad((r: Tensor) => sum(poissonLogProb(rateOf(name, r), tensor1d([0], 'int32'))))(tensor1d([none]));
    expect(slope).toBeAllClose([name === 'rate' ? -1 : 0]);
  }
});

test('is NaN where a count is negative, and elsewhere not', () => {
  const values = poissonLogProb({ rate: tensor1d([1, 1]) }, tensor1d([-1, 1], 'int32')).dataSync();
  expect([...values].map(Number.isNaN)).toEqual([true, false]);
});

test('is the same compiled and mapped', () => {
  const counts = tensor1d([0, 3, 20], 'int32');
  const logRate = tensor1d([-1, 1, 3]);
  const f = (r: Tensor, k: Tensor): Tensor => poissonLogProb({ logRate: r }, k);
  const expected = f(logRate, counts);
  expect(vmap(f)(logRate, counts)).toBeAllClose(expected);
  expect(jit(f)(logRate, counts)).toBeAllClose(expected);
});

test('errors name what does not fit, and nothing is left', () => {
  const [rate, counts, none] = [zeros([3]), zeros([2], 'int32'), zeros([3], 'int32')];
  expectNoLeak(() => {
    poissonLogProb({ logRate: rate }, none).dispose();
    expect(() => poissonLogProb({ rate }, counts)).toThrow(
      'distributions.poissonLogProb: the counts have shape [2] and the rate [3]; they must be the same',
    );
    expect(() => poissonLogProb({ rate }, rate)).toThrow(
      "distributions.poissonLogProb: the counts are float32 and must be int32; cast them with tf.cast(counts, 'int32')",
    );
    expect(() => poissonLogProb({ rate: 2 } as never, counts)).toThrow(
      'distributions.poissonLogProb: the rate is given by { rate: number } and must be a tensor',
    );
    for (const given of [{}, { rate, logRate: rate }, rate]) {
      expect(() => poissonLogProb(given as never, counts)).toThrow(
        /^distributions\.poissonLogProb: the rate is given by { .*} and must be given by one of { rate }, { logRate }/,
      );
    }
  });
});
