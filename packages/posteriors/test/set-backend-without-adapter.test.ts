// A device that is there and does not start: WebGPU without an adapter.
import { getBackend, square } from '@tensorflow/tfjs-core';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { setBackend } from '../src/index.ts';

beforeEach(async () => {
  const requestAdapter = vi.fn(async () => null);
  vi.stubGlobal('navigator', { gpu: { requestAdapter } });
  vi.spyOn(console, 'warn').mockImplementation(() => {});
  await setBackend('cpu');
});
afterEach(() => {
  expect(navigator.gpu.requestAdapter).toHaveBeenCalledOnce();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

test('is an error, and what was current stays so', async () => {
  await expect(setBackend('webgpu')).rejects.toThrow(
    "setBackend: the device 'webgpu' did not start here; it is still 'cpu'",
  );
  expect(getBackend()).toBe('cpu');
  expect(Array.from(square([2, 3]).dataSync())).toEqual([4, 9]);
});

test('auto takes the next', async () => {
  expect(await setBackend('auto')).toBe('wasm');
  expect(getBackend()).toBe('wasm');
});
