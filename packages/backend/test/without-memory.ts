import type { KernelBackend } from '@tensorflow/tfjs-core';
import { theEngine } from '../src/index.ts';

type Making = KernelBackend & { makeOutput?(...given: unknown[]): unknown };

const message = 'there is no memory left';

/** Runs on a device, cpu or wasm, that makes so many tensors and then fails, and says whether it did. */
export function withoutMemoryAfter(count: number, run: () => void): boolean {
  const device = theEngine().backend as Making;
  const { write, makeOutput } = device;
  let left = count;
  const counted =
    <Given extends readonly unknown[], Made>(make: (...given: Given) => Made): ((...given: Given) => Made) =>
    (...given) => {
      if (left-- <= 0) throw new Error(message);
      return make.apply(device, given as never);
    };
  device.write = counted(write);
  if (makeOutput !== undefined) device.makeOutput = counted(makeOutput);
  try {
    run();
    return false;
  } catch (error) {
    if ((error as Error).message !== message) throw error;
    return true;
  } finally {
    device.write = write;
    if (makeOutput !== undefined) device.makeOutput = makeOutput;
  }
}
