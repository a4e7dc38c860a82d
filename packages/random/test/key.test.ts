import '@posteriors/backend/cpu';
import { expectNoLeak } from '@posteriors/testing';
import { scalar, tensor, tensor1d, tensor2d } from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import { foldIn, type Key, key, keyTensor, randomKey, split } from '../src/index.ts';
import { golden, hostKey, words } from './golden.ts';

const hosts = [key(0), key(42), key(2 ** 53 - 1)];

describe('key', () => {
  test('is the high and the low word of the seed, as in JAX', () => {
    for (const { seed, key: expected } of golden.keys) expect(Array.from(key(seed))).toEqual(expected);
  });

  test.each([-1, 0.5, 2 ** 53, Number.NaN])('refuses the seed %s', (seed) => {
    expect(() => key(seed)).toThrow(`random.key: the seed is ${seed}`);
  });

  test('randomKey gives another one each time', () => {
    expect(randomKey()).toHaveLength(2);
    expect(randomKey()).not.toEqual(randomKey());
  });
});

describe('split', () => {
  test('equals jax.random.split on the host and on the device', () => {
    for (const { key, count, keys } of golden.splits) {
      expect(split(hostKey(key), count).map((each) => Array.from(each))).toEqual(keys);
      const device = keyTensor(hostKey(key));
      const parts = split(device, count);
      expect(parts.map(words)).toEqual(keys);
      for (const part of parts) expect(part.shape).toEqual([2]);
    }
  });

  test('gives two keys by default', () => {
    expect(split(key(1))).toEqual(split(key(1), 2));
  });

  test('splits each of a batch of keys', () => {
    const parts = split(keyTensor(hosts), 3);
    parts.forEach((part, i) => {
      expect(part.shape).toEqual([3, 2]);
      expect(words(part)).toEqual(hosts.flatMap((host) => Array.from(split(host, 3)[i]!)));
    });
  });

  test('refuses other counts', () => {
    expect(() => split(key(0), 0)).toThrow('random.split: the count is 0');
    expect(() => split(key(0), 1.5)).toThrow('random.split: the count is 1.5');
  });
});

describe('foldIn', () => {
  test('equals jax.random.fold_in on the host and on the device', () => {
    for (const { key, data, folded } of golden.folds) {
      expect(Array.from(foldIn(hostKey(key), data))).toEqual(folded);
      expect(words(foldIn(keyTensor(hostKey(key)), data))).toEqual(folded);
      expect(words(foldIn(hostKey(key), scalar(data | 0, 'int32')))).toEqual(folded);
    }
  });

  test('one number for each key, one for all, many for one key', () => {
    const batch = keyTensor(hosts);
    expect(words(foldIn(batch, tensor1d([5, 6, 7], 'int32')))).toEqual(
      hosts.flatMap((host, i) => Array.from(foldIn(host, 5 + i))),
    );
    expect(words(foldIn(batch, 9))).toEqual(hosts.flatMap((host) => Array.from(foldIn(host, 9))));
    const many = foldIn(hosts[1]!, tensor2d([1, 2, 3, 4, 5, 6], [2, 3], 'int32'));
    expect(many.shape).toEqual([2, 3, 2]);
    expect(words(many)).toEqual([1, 2, 3, 4, 5, 6].flatMap((data) => Array.from(foldIn(hosts[1]!, data))));
  });

  test('bad input', () => {
    expect(() => foldIn(key(0), -1)).toThrow('random.foldIn: the data is -1');
    expect(() => foldIn(key(0), '3' as never)).toThrow('random.foldIn: the data is 3; give an integer');
    expect(() => foldIn(key(0), 2 ** 32)).toThrow('random.foldIn: the data is 4294967296');
    expect(() => foldIn(keyTensor(hosts), tensor1d([1, 2], 'int32'))).toThrow('keys of shape [3,2]');
    expect(() => foldIn(key(0), scalar(1))).toThrow('float32 []');
  });
});

test('keyTensor makes tensors that the caller owns', () => {
  const single = keyTensor(key(42));
  expect([single.shape, single.dtype, words(single)]).toEqual([[2], 'int32', [0, 42]]);
  expect(keyTensor([]).shape).toEqual([0, 2]);
  expect(() => keyTensor([single as unknown as Uint32Array])).toThrow(
    'random.keyTensor: key 0 of the array is a tensor',
  );
  const copy = keyTensor(single);
  single.dispose();
  expect(words(copy)).toEqual([0, 42]);
});

test.each<[string, unknown, string]>([
  ['a host key of another length', new Uint32Array(3), 'this one has 3'],
  ['a float tensor', tensor1d([1, 2]), 'this one is float32 [2]'],
  ['a tensor of another width', tensor([1, 2, 3], [3], 'int32'), 'this one is int32 [3]'],
  ['a seed in its place', 42, '42 is no key'],
])('%s is no key', (_, wrong, message) => {
  expect(() => split(wrong as Key)).toThrow(message);
});

test('nothing is leaked', () => {
  const device = keyTensor(hosts);
  const data = tensor1d([1, 2], 'int32');
  expectNoLeak(() => {
    const made = [...split(device, 3), foldIn(device, 1), foldIn(hosts[0]!, data), keyTensor(device)];
    for (const each of made) each.dispose();
  });
});
