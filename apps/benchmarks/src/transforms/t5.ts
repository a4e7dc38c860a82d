import { startOf } from '../checks/start.ts';
import { loadOnCpu } from '../devices.ts';
import type { Finding } from '../entry.ts';
import { beginPosterior } from '../ours/posterior.ts';
import { disposeTensors, toTensors } from '../tensors.ts';
import { type TimingOptions, timeInTurn } from '../timing.ts';
import { version } from '../version.ts';
import { loadWorkload } from '../workloads/index.ts';
import type { PosteriorWorkload } from '../workloads/workload.ts';
import type { Measure } from './measure.ts';
import { profile } from './profile.ts';
import { stagesOf } from './stages.ts';

const WORKLOADS = ['W1', 'W2'];
/** Of those of a timing. */
const PROFILED_ROUNDS = 20;

/** What the time of a call goes into: timed without the profiler, whose samples then tell the shares. */
export const measure: Measure = {
  title: 'what the time of a call of `update` goes into, in place',
  async run(timing, device) {
    // On the other device a call only tells what is to be computed.
    if (device === 'webgpu') return [];
    const findings: Finding[] = [];
    for (const name of WORKLOADS) {
      const workload = (await loadOnCpu(device, () => loadWorkload(name))) as PosteriorWorkload;
      findings.push(await breakDown(workload, timing));
    }
    return findings;
  },
};

async function breakDown({ name, model, algorithm }: PosteriorWorkload, timing: TimingOptions): Promise<Finding> {
  const batch = toTensors(model.batches[0]!);
  const run = beginPosterior(model, algorithm, startOf(model, algorithm), 'in place');
  const take = (count: number): void => {
    for (let i = 0; i < count; i++) run.step(batch, 1);
  };
  const contender = {
    async time(count: number): Promise<number> {
      const start = performance.now();
      take(count);
      return performance.now() - start;
    },
  };
  try {
    const [times] = await timeInTurn([contender], timing);
    const count = Math.ceil((PROFILED_ROUNDS * timing.roundMs) / times!.medianMs);
    const stages = stagesOf(await profile(() => take(count)));
    return { case: name, timed: [{ name: `one call, ${name}`, version, ...times! }], stages };
  } finally {
    run.dispose();
    disposeTensors(batch);
  }
}
