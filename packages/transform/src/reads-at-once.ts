import { currentTrace } from '@posteriors/backend';
import { getBackend } from '@tensorflow/tfjs-core';

/** Whether the values of tensors can be read now without waiting: on cpu and wasm, outside of transforms. */
export function readsAtOnce(): boolean {
  return currentTrace() === null && devices.has(getBackend());
}

const devices = new Set(['cpu', 'wasm']);
