/** Results in excess of a budget move to the JavaScript heap, for devices whose memory the garbage collector does not see. */

import { type DataType, KernelBackend, type Tensor, type TypedArray } from '@tensorflow/tfjs-core';
import { theEngine } from './engine.ts';
import { Queue } from './queue.ts';
import type { Results } from './results.ts';

interface Result {
  readonly dataId: object;
  readonly bytes: number;
  /** The number of the run that returned it, or before which it came back. */
  readonly run: number;
}

/**
 * Before a run the oldest results are moved until the budget is met, except what the run uses and what the last one returned: a state
 * larger than the budget stays where it is computed.
 */
export function spilling(device: KernelBackend): Results {
  const engine = theEngine();
  const isHere = ({ dataId }: Result): boolean => engine.state.tensorInfo.get(dataId)?.backend === device;
  const queue = new Queue(isHere);
  const heap = new Heap((dataId, bytes) => queue.push({ dataId, bytes, run: runs }));
  let runs = 0;
  let bytesAfterSweep = 0;

  const spill = (to: number, isUsed: (dataId: object) => boolean): void =>
    queue.drop((result) => {
      if (queue.bytes <= to || result.run === runs || isUsed(result.dataId)) return false;
      // A result that shares its data with an older one has moved along with it.
      if (isHere(result)) engine.moveData(heap, result.dataId);
      return true;
    });

  return {
    budget: 2 ** 26,
    beforeRun(inputs, constants) {
      // A sweep must find enough to do for what it costs.
      if (queue.bytes > Math.max(this.budget, bytesAfterSweep + this.budget / 4)) {
        queue.sweep();
        if (queue.bytes > this.budget) {
          const used = new Set(
            [...inputs, ...constants.map(({ source }) => source)].map((input) => (input as Tensor).dataId),
          );
          spill(0.75 * this.budget, (dataId) => used.has(dataId));
        }
        bytesAfterSweep = queue.bytes;
      }
      runs++;
    },
    add(dataId, bytes) {
      if (this.budget !== Number.POSITIVE_INFINITY) queue.push({ dataId, bytes, run: runs });
    },
  };
}

/** What `Heap` has of one buffer. */
interface Stored {
  readonly values: TypedArray;
  refCount: number;
}

/** A place for data that tfjs's engine reads, moves and frees like that of any device, and that runs no kernels. */
class Heap extends KernelBackend {
  private readonly stored = new WeakMap<object, Stored>();
  private readonly onLeave: (dataId: object, bytes: number) => void;

  /** @param onLeave - called when the engine takes data from here to a device. */
  constructor(onLeave: (dataId: object, bytes: number) => void) {
    super();
    this.onLeave = onLeave;
  }

  override move(dataId: object, values: unknown, _shape: number[], _dtype: DataType, refCount: number): void {
    this.stored.set(dataId, { values: values as TypedArray, refCount });
  }

  override readSync(dataId: object): TypedArray {
    // A copy: a device's `dataSync()` may be written to.
    return this.at(dataId).values.slice();
  }

  override async read(dataId: object): Promise<TypedArray> {
    return this.readSync(dataId);
  }

  override refCount(dataId: object): number {
    return this.stored.get(dataId)?.refCount ?? 0;
  }

  override incRef(dataId: object): void {
    this.at(dataId).refCount++;
  }

  override disposeData(dataId: object, force = false): boolean {
    const stored = this.stored.get(dataId);
    if (stored === undefined) return true;
    if (force) this.onLeave(dataId, stored.values.byteLength);
    else if (--stored.refCount > 0) return false;
    this.stored.delete(dataId);
    return true;
  }

  private at(dataId: object): Stored {
    const stored = this.stored.get(dataId);
    if (stored === undefined) throw new Error('a tensor was read whose data are gone: it was disposed');
    return stored;
  }
}
