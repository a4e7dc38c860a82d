import { tensor1d } from '@tensorflow/tfjs-core';
import '@posteriors/backend/cpu';
import { expect, test } from 'vitest';
import { key, permutation } from '../src/index.ts';
import { golden, hostKey } from './golden.ts';

test('equals jax.random.permutation', () => {
  for (const { key, size, order, first, checksum } of golden.permutations) {
    const actual = permutation(hostKey(key), size);
    if (order !== undefined) {
      expect(Array.from(actual)).toEqual(order);
    } else {
      expect(Array.from(actual.slice(0, 20))).toEqual(first);
      expect(actual.reduce((sum, value, i) => sum + (i % 1000) * value, 0)).toBe(checksum);
      expect(Array.from(actual).sort((a, b) => a - b)).toEqual(Array.from({ length: size }, (_, i) => i));
    }
  }
});

test('each element comes first equally often', () => {
  // 6000 draws of 6 places: each count is binomial with mean 1000 and standard error sqrt(6000 * 5 / 36) = 28.9; 4 of these.
  const counts = new Array<number>(6).fill(0);
  for (let seed = 0; seed < 6000; seed++) counts[permutation(key(seed), 6)[0]!]!++;
  for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(4 * 28.9);
});

test('bad input', () => {
  expect(() => permutation(key(0), -1)).toThrow('random.permutation: the size is -1');
  expect(() => permutation(key(0), 2.5)).toThrow('random.permutation: the size is 2.5');
  const device = tensor1d([0, 1], 'int32');
  expect(() => permutation(device as unknown as Uint32Array, 3)).toThrow('give a key on the host');
  device.dispose();
});
