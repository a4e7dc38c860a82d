// Devices in a Node without WebGPU.
import { getBackend, square } from '@tensorflow/tfjs-core';
import { beforeEach, describe, expect, test } from 'vitest';
import { setBackend } from '../src/index.ts';

describe('setBackend', () => {
  beforeEach(() => setBackend('cpu'));

  test.each(['cpu', 'wasm'] as const)('%s', async (name) => {
    expect(await setBackend(name)).toBe(name);
    expect(getBackend()).toBe(name);
    expect(Array.from(square([2, 3]).dataSync())).toEqual([4, 9]);
  });

  test('auto is wasm where there is no WebGPU', async () => {
    expect(await setBackend('auto')).toBe('wasm');
    expect(getBackend()).toBe('wasm');
  });

  test('an unknown name is an error that lists the known ones', async () => {
    await expect(setBackend('cuda' as 'cpu')).rejects.toThrow(
      "setBackend: there is no device 'cuda'; there are auto, webgpu, wasm, cpu",
    );
    await expect(setBackend('toString' as 'cpu')).rejects.toThrow("there is no device 'toString'");
    expect(getBackend()).toBe('cpu');
  });

  test('webgpu without WebGPU is an error that says so, and the device stays', async () => {
    await expect(setBackend('webgpu')).rejects.toThrow(/'webgpu' is not registered .*navigator\.gpu is missing/);
    expect(getBackend()).toBe('cpu');
  });
});
