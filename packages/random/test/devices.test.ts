// The same bits on every device of the host, and within traced programs.
import '@posteriors/backend/cpu';
import '@posteriors/backend/wasm';
import { jit, vmap } from '@posteriors/autodiff';
import { setBackend } from '@posteriors/backend';
import { expectNoLeak } from '@posteriors/testing';
import { add, type Tensor, tensor, tensor1d } from '@tensorflow/tfjs-core';
import { beforeEach, describe, expect, test } from 'vitest';
import { bernoulli, bits, foldIn, type Key, key, keyTensor, normal, split, uniform } from '../src/index.ts';
import { words } from './golden.ts';

const shape = [3, 7];
const samplers: [string, (key: Key) => Tensor][] = [
  ['bits', (key) => bits(key, shape)],
  ['uniform', (key) => uniform(key, shape)],
  ['uniform between -3 and 5', (key) => uniform(key, shape, { min: -3, max: 5 })],
  ['normal', (key) => normal(key, shape)],
  ['foldIn', (key) => foldIn(key instanceof Uint32Array ? keyTensor(key) : key, 3)],
  [
    'split, then both drawn from',
    (key) =>
      split(key)
        .map((each) => normal(each, shape))
        .reduce(add),
  ],
];
const hosts = split(key(2 ** 40 + 3), 4);

describe('wasm equals cpu to the bit', () => {
  const drawn = async (device: 'cpu' | 'wasm', sample: (key: Key) => Tensor): Promise<number[]> => {
    await setBackend(device);
    return [hosts[0]!, keyTensor(hosts)].flatMap((each) => words(sample(each)));
  };

  test.each(samplers)('%s', async (_, sample) => {
    expect(await drawn('wasm', sample)).toEqual(await drawn('cpu', sample));
  });

  test('bernoulli', async () => {
    await setBackend('cpu');
    const onCpu = bernoulli(key(3), 0.4, [100]).dataSync();
    await setBackend('wasm');
    expect(bernoulli(key(3), 0.4, [100]).dataSync()).toEqual(onCpu);
  });

  test('a large draw, for which the memory of wasm grows', async () => {
    await setBackend('cpu');
    const onCpu = normal(key(8), [3_000_000]).dataSync();
    await setBackend('wasm');
    const onWasm = normal(key(8), [3_000_000]);
    expect(Buffer.compare(Buffer.from(onWasm.dataSync().buffer), Buffer.from(onCpu.buffer))).toBe(0);
    onWasm.dispose();
  });

  test('no elements, and a key that comes from the other device', async () => {
    await setBackend('cpu');
    const fromCpu = keyTensor(hosts);
    const expected = words(normal(fromCpu, shape));
    await setBackend('wasm');
    expect(normal(key(0), [2, 0]).shape).toEqual([2, 0]);
    expect(words(normal(fromCpu, shape))).toEqual(expected);
  });
});

describe.each(['cpu', 'wasm'] as const)('on %s', (device) => {
  beforeEach(() => setBackend(device));

  test.each(samplers)('%s: a traced program equals the eager call', (_, sample) => {
    for (const keys of [keyTensor(hosts[0]!), keyTensor(hosts)]) {
      expect(words(jit((input: Tensor) => sample(input))(keys))).toEqual(words(sample(keys)));
    }
  });

  test('a host key is a constant of a traced program', () => {
    const f = jit((x: Tensor) => add(x, normal(hosts[0]!, [5])));
    expect(words(f(tensor([0, 0, 0, 0, 0])))).toEqual(words(normal(hosts[0]!, [5])));
  });

  test.each(samplers)('%s: vmap over keys equals the loop', (_, sample) => {
    const keys = keyTensor(hosts);
    const together = vmap((each: Tensor) => sample(each))(keys);
    expect(words(together)).toEqual(hosts.flatMap((host) => words(sample(host))));
  });

  test('vmap of foldIn: keys, numbers or both in a batch', () => {
    const keys = keyTensor(hosts);
    const one = keyTensor(hosts[1]!);
    const numbers = tensor1d([4, 3, 2, 1], 'int32');
    const pairs = tensor([4, 3, 2, 1, 8, 7, 6, 5], [4, 2], 'int32');
    const fold = (each: Tensor, number: Tensor): Tensor => foldIn(each, number);
    const host = (i: number, data: number): number[] => Array.from(foldIn(hosts[i]!, data));

    expect(words(vmap(fold)(keys, numbers))).toEqual([4, 3, 2, 1].flatMap((data, i) => host(i, data)));
    expect(words(vmap((number: Tensor) => foldIn(one, number))(numbers))).toEqual(
      [4, 3, 2, 1].flatMap((data) => host(1, data)),
    );
    // Each lane folds two numbers into one key.
    expect(words(vmap(fold)(keys, pairs))).toEqual(
      [4, 3, 2, 1, 8, 7, 6, 5].flatMap((data, i) => host(Math.floor(i / 2), data)),
    );
    // Each lane folds its number into all four keys; the numbers of a lane differ by key, and are shared by all lanes.
    expect(words(vmap((number: Tensor) => foldIn(keys, number))(numbers))).toEqual(
      [4, 3, 2, 1].flatMap((data) => hosts.flatMap((_, i) => host(i, data))),
    );
    const twice = tensor(
      words(keys)
        .concat(words(keys))
        .map((word) => word | 0),
      [2, 4, 2],
      'int32',
    );
    expect(words(vmap((each: Tensor) => foldIn(each, numbers))(twice))).toEqual(
      [0, 1].flatMap(() => [4, 3, 2, 1].flatMap((data, i) => host(i, data))),
    );
  });

  test('nothing is leaked', () => {
    const keys = keyTensor(hosts);
    const f = jit((input: Tensor) => normal(input, shape));
    f(keys).dispose();
    expectNoLeak(() => {
      f(keys).dispose();
      for (const [name, sample] of samplers) if (name !== 'foldIn' && !name.startsWith('split')) sample(keys).dispose();
      for (const each of split(keys)) each.dispose();
    });
  });
});
