import '@tensorflow/tfjs-backend-cpu';
import { zeros } from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { size } from '../src/index.ts';

test('counts elements', () => {
  const [a, b] = [zeros([2, 3]), zeros([0])];
  expect(size({ a, b, c: [1, true, null], d: new Float32Array(4) })).toBe(12);
  expect(size(null)).toBe(0);
  a.dispose();
  b.dispose();
});

test('refuses what has no size', () => {
  expect(() => size({ name: ['text'] })).toThrow('tree.size: the leaf at $.name[0] is string');
  expect(() => size([undefined])).toThrow('tree.size: the leaf at $[0] is undefined');
  expect(() => size([new DataView(new ArrayBuffer(8))])).toThrow('tree.size: the leaf at $[0] is DataView');
});
