import { memory } from '@tensorflow/tfjs-core';
import { expect } from 'vitest';

const count = () => {
  const { numTensors, numDataBuffers, numBytes } = memory();
  return { numTensors, numDataBuffers, numBytes };
};

/**
 * Expects that `run` leaves exactly as many tensors, buffers and bytes as it found. Call what it compiles or caches once
 * before.
 */
export function expectNoLeak(run: () => Promise<void>): Promise<void>;
export function expectNoLeak(run: () => void): void;
export function expectNoLeak(run: () => void | Promise<void>): void | Promise<void> {
  const before = count();
  const check = () => expect(count(), 'live tensors after the run').toEqual(before);
  const running = run();
  return running instanceof Promise ? running.then(check) : check();
}
