import type { Timed } from '../report.ts';
import type { TimingOptions } from '../timing.ts';

/** What a transform of functions costs, on the current device. */
export interface Measure {
  readonly title: string;
  /** What it is compared with comes first, if there is anything. */
  run(timing: TimingOptions): Promise<readonly Timed[]>;
}
