import '../src/wasm.ts';
import * as tf from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { newTensor, setBackend, withScratch } from '../src/index.ts';

test('where there is no memory left, a tensor is an error and nothing is written', async () => {
  await setBackend('wasm');
  const device = tf.backend() as tf.KernelBackend & { readonly wasm: { _malloc(bytes: number): number } };
  const low = tf.tensor1d([1, 2, 3, 4]);
  const { _malloc: malloc } = device.wasm;
  const beyond = 2 ** 32 - 16;
  for (const nowhere of [0, beyond]) {
    device.wasm._malloc = () => nowhere;
    try {
      expect(() => newTensor(device, [3, 5], 'float32')).toThrow('the wasm device has no 60 bytes of memory left');
      expect(() => withScratch(device, 16, () => 0)).toThrow('the wasm device has no 16 bytes of memory left');
      expect(newTensor(device, [0, 5], 'float32').shape).toEqual([0, 5]);
    } finally {
      device.wasm._malloc = malloc;
    }
  }
  expect(() => withScratch(device, 2 ** 32 + 16, () => 0)).toThrow('no 4294967312 bytes');
  expect([...low.dataSync()]).toEqual([1, 2, 3, 4]);
  low.dispose();
});
