import { loadOnCpu } from '../devices.ts';
import type { Finding } from '../entry.ts';
import { waysOf } from '../ours.ts';
import { type TimingOptions, timeInTurn } from '../timing.ts';
import { version } from '../version.ts';
import { withChains } from '../workloads/chains.ts';
import { loadNetwork } from '../workloads/network.ts';
import { load as loadW2 } from '../workloads/w2.ts';
import { load as loadW4 } from '../workloads/w4.ts';
import type { PosteriorWorkload } from '../workloads/workload.ts';
import { growth } from './growth.ts';
import type { Measure } from './measure.ts';

const BATCHES = [32, 64, 128, 256, 512, 1_024];
const HIDDEN = [64, 128, 256, 512, 1_024];
const CHAINS = [1, 2, 4, 8, 16, 32, 64];

/** A workload that has grown to a size. */
interface Grown {
  readonly size: number;
  readonly workload: PosteriorWorkload;
}

/** How the cost of an SGHMC step grows with the batch and the parameters of the network of W4, and with the chains of W2. */
export const measure: Measure = {
  title: 'growth of an SGHMC step with batch and parameters (W4) and with chains (W2)',
  async run(timing, device) {
    const { batches, networks, chains } = await loadOnCpu(device, loadGrown);
    return [
      await grow('batch', batches, timing),
      await grow('parameters', networks, timing),
      await grow('chains', chains, timing),
    ];
  },
};

async function loadGrown(): Promise<{ readonly [of in 'batches' | 'networks' | 'chains']: readonly Grown[] }> {
  const [w2, w4] = [await loadW2(), await loadW4()];
  const batches = BATCHES.map(async (batch) => ({
    size: batch,
    workload: { ...w4, model: await loadNetwork({ batch }) },
  }));
  const networks = HIDDEN.map(async (hidden) => {
    const model = await loadNetwork({ hidden });
    const size = Object.values(model.params).reduce((sum, { values }) => sum + values.length, 0);
    return { size, workload: { ...w4, model } };
  });
  return {
    batches: await Promise.all(batches),
    networks: await Promise.all(networks),
    chains: CHAINS.map((size) => ({ size, workload: { ...w2, model: withChains(w2.model, size) } })),
  };
}

async function grow(of: string, grown: readonly Grown[], timing: TimingOptions): Promise<Finding> {
  const contenders = grown.map(({ workload }) => {
    const [first, ...others] = waysOf(workload);
    for (const other of others) other.close();
    return first!;
  });
  try {
    const times = await timeInTurn(contenders, timing);
    const points = grown.map(({ size }, i) => ({ size, medianMs: times[i]!.medianMs }));
    const largest = { name: `the most ${of}`, version, ...times[times.length - 1]! };
    return { case: of, timed: [largest], points, exponent: growth(points) };
  } finally {
    for (const contender of contenders) contender.close();
  }
}
