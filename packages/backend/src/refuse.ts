/** A limit on undisposed results, for devices from which they cannot be moved within a synchronous loop. */

import type { KernelBackend } from '@tensorflow/tfjs-core';
import { theEngine } from './engine.ts';
import { Queue } from './queue.ts';
import type { Results } from './results.ts';

/** What tfjs's webgpu device notes about a buffer. It does not refer to the id of the data, so it may outlive that. */
interface BufferData {
  refCount: number;
}

/** tfjs's webgpu device, with the parts that free a buffer. */
type Device = KernelBackend & {
  readonly tensorMap: {
    get(dataId: object): BufferData;
    set(dataId: object, data: BufferData): void;
    delete(dataId: object): boolean;
  };
  /** Data that commands use which are not submitted yet: they are freed afterwards. */
  readonly commandQueueOwnedIds: WeakSet<object>;
};

interface Result {
  readonly data: BufferData;
  readonly bytes: number;
}

/**
 * Forgotten results are freed when the garbage collector finds them, which is never within a synchronous loop and late in others. Above
 * the budget a run warns, above twice the budget it throws.
 */
export function refusing(backend: KernelBackend): Results {
  const device = backend as Device;
  const queue = new Queue<Result>(({ data }) => data.refCount > 0);
  let bytesAfterSweep = 0;
  let warned = false;
  const forgotten = new FinalizationRegistry<Result>((result) => {
    if (result.data.refCount > 0 && Object.values(theEngine().registry).includes(device)) free(device, result);
  });
  return {
    budget: 2 ** 30,
    beforeRun() {
      const { budget } = this;
      if (queue.bytes <= Math.min(Math.max(budget, bytesAfterSweep + budget / 4), 2 * budget)) return;
      queue.sweep();
      bytesAfterSweep = queue.bytes;
      if (queue.bytes > 2 * budget) throw new Error(`${complaint(queue.bytes)} The limit is ${megabytes(2 * budget)}.`);
      if (queue.bytes > budget && !warned) {
        warned = true;
        console.warn(`${complaint(queue.bytes)} At ${megabytes(2 * budget)} this becomes an error.`);
      }
    },
    add(dataId, bytes) {
      const result = { data: device.tensorMap.get(dataId), bytes };
      queue.push(result);
      forgotten.register(dataId, result);
    },
  };
}

/** Frees a buffer whose id is gone, and takes the tensors that shared it out of tfjs's counts. */
function free(device: Device, { data, bytes }: Result): void {
  const { state } = theEngine();
  state.numTensors -= data.refCount;
  state.numBytes -= data.refCount * bytes;
  state.numDataBuffers--;
  // The id that is gone is still counted.
  device.tensorMap.delete({});
  const dataId = {};
  data.refCount = 1;
  device.tensorMap.set(dataId, data);
  device.commandQueueOwnedIds.add(dataId);
  device.disposeData(dataId);
}

const megabytes = (bytes: number): string => `${Math.round(bytes / 2 ** 20)} MiB`;

const complaint = (bytes: number): string =>
  `results of compiled functions hold ${megabytes(bytes)} on the webgpu device and were not disposed. In a loop, either dispose the old state ` +
  'once there is a new one (`state.dispose()`), or update with `{ inplace: true }`, or let `await run(transform, state, batches)` do it. If you ' +
  'need them all, raise the limit with setMemoryBudget(bytes).';
