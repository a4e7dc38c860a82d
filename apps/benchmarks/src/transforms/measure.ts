import type { Device } from '../devices.ts';
import type { Finding } from '../entry.ts';
import type { TimingOptions } from '../timing.ts';

/** What something other than a step costs, on the current device. */
export interface Measure {
  readonly title: string;
  run(timing: TimingOptions, device: Device): Promise<readonly Finding[]>;
}
