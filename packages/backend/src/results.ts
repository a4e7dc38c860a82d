/** The results that programs returned and that nobody disposed: what keeps a loop that forgets them from filling the device. */

import type { KernelBackend, Tensor } from '@tensorflow/tfjs-core';
import type { RunInput } from './backend.ts';
import { theEngine } from './engine.ts';
import { refusing } from './refuse.ts';
import { spilling } from './spill.ts';

/** Looks after the results on one device. */
export interface Results {
  /** Bytes of results that may stay there. */
  budget: number;
  /** A run that uses these begins. */
  beforeRun(inputs: readonly RunInput[], constants: readonly { readonly source: Tensor }[]): void;
  /** A run returned this. */
  add(dataId: object, bytes: number): void;
}

const kept = new WeakMap<KernelBackend, Results>();

/** What looks after results on this device; undefined where the garbage collector does, as on cpu. */
export function resultsOn(device: KernelBackend, name: string): Results | undefined {
  const known = kept.get(device);
  if (known !== undefined) return known;
  const results = name === 'wasm' ? spilling(device) : name === 'webgpu' ? refusing(device) : undefined;
  if (results !== undefined) kept.set(device, results);
  return results;
}

/**
 * Sets how many bytes of results the current device may hold that were not disposed. Beyond it wasm moves the oldest to the JavaScript heap,
 * where the garbage collector takes those that nothing refers to any more and from where the others come back when they are used; webgpu
 * warns, and throws at twice as many. cpu needs no budget: the garbage collector knows its data.
 *
 * @param bytes - 64 MiB on wasm and 1 GiB on webgpu to begin with; `Infinity` for no limit.
 * @returns the budget before, `Infinity` on a device that has none.
 * @throws if `bytes` is not a positive number.
 */
export function setMemoryBudget(bytes: number): number {
  if (!(bytes > 0)) throw new Error(`setMemoryBudget: the budget is ${bytes} bytes and must be a positive number`);
  const { backend, backendName } = theEngine();
  const results = resultsOn(backend, backendName as string);
  if (results === undefined) return Number.POSITIVE_INFINITY;
  const before = results.budget;
  results.budget = bytes;
  return before;
}
