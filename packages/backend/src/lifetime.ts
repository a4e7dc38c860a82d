/** What an executable holds on its device goes when the executable does, disposed or not. */

import type { KernelBackend, TensorInfo } from '@tensorflow/tfjs-core';
import { theEngine } from './engine.ts';

/** Data on a device that an executable keeps between its runs. */
export interface Holdings {
  readonly device: KernelBackend;
  readonly data: TensorInfo[];
}

/** Frees the data, once. */
export function letGo({ device, data }: Holdings): void {
  for (const { dataId } of data.splice(0)) if (device.disposeData(dataId)) theEngine().removeDataId(dataId, device);
}

/** Frees the holdings some time after `owner` became unreachable. They must not refer to it. */
export function letGoAfter(owner: object, holdings: Holdings): void {
  unreachable.register(owner, holdings);
}

const unreachable = new FinalizationRegistry<Holdings>((holdings) => {
  // A device that was removed took its data along.
  if (Object.values(theEngine().registry).includes(holdings.device)) letGo(holdings);
});
