import { execFileSync } from 'node:child_process';
import { getBackend, ones, registerBackend, removeBackend } from '@tensorflow/tfjs-core';
import { expect, test, vi } from 'vitest';
import { currentBackend, type DeviceName, setBackend } from '../src/index.ts';

test('a device whose entry point was not imported is an error that names it', async () => {
  await expect(setBackend('cpu')).rejects.toThrow(
    "setBackend: the device 'cpu' is not registered (registered: none). Import '@posteriors/backend/cpu' first.",
  );
  await import('@posteriors/backend/cpu');
  await setBackend('cpu');
  await expect(setBackend('wasm')).rejects.toThrow(
    "setBackend: the device 'wasm' is not registered (registered: cpu). Import '@posteriors/backend/wasm' first.",
  );
  expect(getBackend()).toBe('cpu');
});

test('the entry points register their devices, and wasm finds its binary in Node', async () => {
  await import('@posteriors/backend/wasm');
  await setBackend('wasm');
  expect(getBackend()).toBe('wasm');
  expect(currentBackend().name).toBe('wasm');
  expect(ones([2]).arraySync()).toEqual([1, 1]);
  await setBackend('cpu');
  expect(currentBackend().name).toBe('cpu');
});

test('webgpu is registered by its entry point', async () => {
  await import('@posteriors/backend/webgpu');
  await expect(setBackend('webgl' as DeviceName)).rejects.toThrow(/registered: cpu, wasm/);
});

test('a device that does not start is an error, and the last one stays', async () => {
  await setBackend('cpu');
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => {}); // tfjs says so too
  registerBackend('broken', () => Promise.reject(new Error('no adapter')));
  await expect(setBackend('broken' as DeviceName)).rejects.toThrow(
    "setBackend: the device 'broken' did not start here; it is still 'cpu'",
  );
  expect(ones([2]).arraySync()).toEqual([1, 1]);
  removeBackend('broken');
  warn.mockRestore();
});

test('the wasm device leaves no handler of uncaught errors behind', async () => {
  const script = `
    import '@posteriors/backend/wasm';
    import { setBackend } from '@posteriors/backend';
    const events = ['uncaughtException', 'unhandledRejection'];
    const counts = () => events.map((event) => process.listenerCount(event)).join();
    const before = counts();
    await setBackend('wasm');
    console.log(before === counts());`;
  const args = ['--conditions=@posteriors/source', '--import', 'tsx', '--input-type=module', '--eval', script];
  expect(execFileSync(process.execPath, args, { cwd: import.meta.dirname, encoding: 'utf8' })).toBe('true\n');
});
