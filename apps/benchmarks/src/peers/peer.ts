import type { Contender, Missing } from '../contender.ts';
import type { Workload } from '../workloads/workload.ts';

/** Another library. */
export interface Peer {
  /** Its ways to run a workload on the current device, or why there is none. Nothing where the workload is not written for it. */
  contenders(workload: Workload): Promise<readonly (Contender | Missing)[]>;
  stop(): void;
}
