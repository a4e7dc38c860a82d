import { provideWebGPU } from '@posteriors/testing';
import { add, setBackend, tensor1d } from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';

test.skipIf(!(await provideWebGPU()))('tfjs computes on WebGPU in Node', async () => {
  await import('@tensorflow/tfjs-backend-webgpu');
  expect(await setBackend('webgpu')).toBe(true);
  expect(await add(tensor1d([1, 2]), 1).data()).toBeAllClose([2, 3]);
});
