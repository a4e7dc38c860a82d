/** Whether the elements of tensors are finite. */
import type { KernelBackend, TensorInfo } from '@tensorflow/tfjs-core';
import { assembly } from './assembly.ts';
import { elementsOf } from './host-memory.ts';
import { sizeOf } from './program.ts';
import { addressOf } from './wasm-functions.ts';

/** Whether no element of a float32 tensor on cpu or wasm is NaN or infinite. */
export function allFinite(device: KernelBackend, info: TensorInfo): boolean {
  if (!('typedArrayFromHeap' in device)) return allFiniteOnHost(elementsOf(device, info));
  return assembly(device).allFinite(addressOf(device, info), sizeOf(info.shape)) === 1;
}

/** Whether none of the numbers is NaN or infinite. */
export function allFiniteOnHost(values: ArrayLike<number>): boolean {
  // 0 times a number is 0 only where that is finite. Four sums at a time, as each addition waits for the one before.
  let [a, b, c, d] = [0, 0, 0, 0];
  const { length } = values;
  const whole = length - (length % 4);
  for (let i = 0; i < whole; i += 4) {
    a += 0 * (values[i] as number);
    b += 0 * (values[i + 1] as number);
    c += 0 * (values[i + 2] as number);
    d += 0 * (values[i + 3] as number);
  }
  for (let i = whole; i < length; i++) a += 0 * (values[i] as number);
  return a + b + c + d === 0;
}
