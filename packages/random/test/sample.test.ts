import '@posteriors/backend/cpu';
import { expectNoLeak } from '@posteriors/testing';
import { scalar, tensor, tensor1d } from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import { bernoulli, bits, categorical, type Key, key, keyTensor, normal, split, uniform } from '../src/index.ts';
import { floats, golden, hostKey, words } from './golden.ts';

const logits = tensor1d([0.1, -1, 0.5]);
const samplers: [string, (key: Key, shape: readonly number[]) => ReturnType<typeof bits>][] = [
  ['bits', bits],
  ['uniform', uniform],
  ['uniform between -3 and 5', (key, shape) => uniform(key, shape, { min: -3, max: 5 })],
  ['normal', normal],
  ['bernoulli', (key, shape) => bernoulli(key, 0.3, shape)],
  ['categorical', (key, shape) => categorical(key, logits, { shape })],
];

describe('golden numbers of jax.random', () => {
  test('bits and uniform bit for bit, normal to 2e-6 relative', () => {
    for (const { key, shape, bits: expectedBits, uniform: expectedUniform, normal: expectedNormal } of golden.samples) {
      for (const each of [hostKey(key), keyTensor(hostKey(key))]) {
        const drawn = bits(each, shape);
        expect([drawn.shape, drawn.dtype, words(drawn)]).toEqual([shape, 'int32', expectedBits]);
        const flat = uniform(each, shape);
        expect([flat.shape, flat.dtype, words(flat)]).toEqual([shape, 'float32', expectedUniform]);
        const bell = normal(each, shape);
        expect([bell.shape, bell.dtype]).toEqual([shape, 'float32']);
        expect(bell.dataSync()).toBeAllClose(floats(expectedNormal), { rtol: 2e-6, atol: 0 });
      }
    }
  });

  test('uniform in other ranges, bit for bit', () => {
    for (const { key, min, max, shape, uniform: expected } of golden.ranges) {
      expect(words(uniform(hostKey(key), shape, { min, max }))).toEqual(expected);
    }
  });

  test('bernoulli', () => {
    for (const { key, probability, shape, draws } of golden.bernoullis) {
      const drawn = bernoulli(
        hostKey(key),
        typeof probability === 'number' ? probability : tensor1d(probability),
        shape,
      );
      expect([drawn.shape, drawn.dtype, Array.from(drawn.dataSync())]).toEqual([shape, 'bool', draws]);
    }
  });

  test('categorical, along each axis, with and without more draws', () => {
    for (const { key, logits, logitsShape, axis, shape, draws, drawsShape } of golden.categoricals) {
      const values = tensor(floats(logits), logitsShape as [number, number]);
      const drawn = categorical(hostKey(key), values, shape === null ? { axis } : { axis, shape });
      expect([drawn.shape, drawn.dtype, Array.from(drawn.dataSync())]).toEqual([drawsShape, 'int32', draws]);
    }
  });
});

describe('keys in a batch', () => {
  const hosts = split(key(5), 3);

  test.each(samplers)('%s: each key draws what it draws alone', (_, sample) => {
    for (const shape of [[], [1], [5], [2, 3], [0]]) {
      const together = sample(keyTensor(hosts), shape);
      expect(together.shape).toEqual([3, ...shape]);
      hosts.forEach((host, i) => {
        const alone = sample(host, shape);
        expect(alone.shape).toEqual(shape);
        expect(together.dataSync().slice(i * alone.size, (i + 1) * alone.size)).toEqual(alone.dataSync());
      });
    }
  });

  test('of rank 3 and of no keys', () => {
    const six = split(key(6), 6);
    const together = normal(tensor(Int32Array.from(six.flatMap((host) => Array.from(host))), [2, 3, 2], 'int32'), [4]);
    expect(together.shape).toEqual([2, 3, 4]);
    expect(words(together)).toEqual(six.flatMap((host) => words(normal(host, [4]))));
    expect(normal(keyTensor([]), [4]).shape).toEqual([0, 4]);
  });
});

test('bernoulli takes a tensor of probabilities and its shape', () => {
  const drawn = bernoulli(key(1), tensor1d([0, 1, 0, 1]));
  expect(Array.from(drawn.dataSync())).toEqual([0, 1, 0, 1]);
});

test.each(samplers)('%s leaks nothing, and leaves the caller its key', (_, sample) => {
  const device = keyTensor(split(key(1), 2));
  sample(device, [3]).dispose();
  expectNoLeak(() => {
    for (const each of [key(0), device]) sample(each, [3, 2]).dispose();
  });
  expect(device.isDisposed).toBe(false);
});

test('bad input', () => {
  const matrix = tensor([0, 0, 0, 0, 0, 0], [2, 3]);
  expect(() => normal(key(0), [2, -1])).toThrow('random.normal: the shape is [2,-1]');
  expect(() => bits(key(0), [1.5])).toThrow('random.bits: the shape is [1.5]');
  expect(() => normal(new Uint32Array(1), [2])).toThrow('random.normal: a key on the host has 2 words');
  expect(() => uniform(scalar(1), [2])).toThrow('random.uniform: a key on the device is an int32 tensor');
  expect(() => uniform(key(0), [2], { min: 1, max: 1 })).toThrow('random.uniform: min is 1 and max is 1');
  expect(() => uniform(key(0), [2], { max: Number.POSITIVE_INFINITY })).toThrow('both must be finite');
  expect(() => bernoulli(key(0), 1.5)).toThrow('random.bernoulli: the probability is 1.5');
  expect(() => categorical(key(0), matrix, { axis: 2 })).toThrow(
    'random.categorical: axis 2 is not one of logits of shape [2,3]',
  );
  expect(() => categorical(key(0), matrix, { shape: [3] })).toThrow('are [2], which does not broadcast to shape [3]');
});
