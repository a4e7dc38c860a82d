/** All that runs a workload, checked and timed in turn. */
import { checkContender } from './check.ts';
import type { Contender, Missing, Timeable } from './contender.ts';
import type { Timed, Timings } from './entry.ts';
import { chainAlone, gradientAlone, waysOf } from './ours.ts';
import type { Peer } from './peers/peer.ts';
import { type TimingOptions, timeInTurn } from './timing.ts';
import type { CurvatureWorkload, Workload } from './workloads/workload.ts';

/**
 * Checks and times a workload on the current device. Answers what takes one step in a call and, where there is any, what takes many; all of them
 * were timed in turn.
 */
export async function timeWorkload(
  workload: Workload,
  peers: readonly Peer[],
  timing: TimingOptions,
): Promise<Timings[]> {
  const ours = waysOf(workload);
  for (const contender of ours) await checkContender(contender, workload);
  const beside = isDiagonal(workload) ? [gradientAlone(workload)] : [];
  const alone = chainAlone(workload);
  const { present, missing } = await contendersOf(peers, workload);
  const all: readonly Timeable[] = [...ours, ...beside, ...alone, ...present];
  try {
    const times = await timeInTurn(all, timing);
    const timed = new Map<Timeable, Timed>();
    all.forEach((each, i) => {
      const { name, version, stepsPerCall = 1 } = each;
      timed.set(each, { name, version, stepsPerCall, ...times[i]! });
    });
    const timingsOf = (loops: boolean): Timings => {
      const of = (some: readonly Timeable[]): Timed[] =>
        some.map((each) => timed.get(each)!).filter(({ stepsPerCall = 1 }) => stepsPerCall > 1 === loops);
      const [single] = of(alone);
      return {
        ours: of(ours) as [Timed, Timed?],
        beside: of(beside)[0],
        chains: single && { chains: chainsOf(workload), alone: single },
        peers: of(present),
        missing: loops ? [] : missing,
      };
    };
    return [false, true].map(timingsOf).filter(({ ours }) => ours.length > 0);
  } finally {
    for (const contender of all) contender.close();
  }
}

function chainsOf({ kind, model }: Workload): number {
  return (kind === 'posterior' && model.chains) || 1;
}

/** The contenders of peers that do the work of the workload, and why others do not. */
async function contendersOf(
  peers: readonly Peer[],
  workload: Workload,
): Promise<{ readonly present: Contender[]; readonly missing: Missing[] }> {
  const present: Contender[] = [];
  const missing: Missing[] = [];
  for (const peer of peers) {
    for (const each of await peer.contenders(workload)) {
      const lack = 'missing' in each ? each : await checkPeer(each, workload);
      if (lack !== undefined) missing.push(lack);
      else present.push(each as Contender);
    }
  }
  return { present, missing };
}

/** Checks a peer, and says what it lacks if the device has not what it needs. @throws if its numbers are wrong. */
async function checkPeer(contender: Contender, workload: Workload): Promise<Missing | undefined> {
  try {
    await checkContender(contender, workload);
    return;
  } catch (error) {
    const lack = /Kernel '\w+' not registered for backend '\w+'/.exec((error as Error).message)?.[0];
    if (lack === undefined) throw error;
    contender.close();
    return { name: contender.name, missing: lack };
  }
}

/** Whether it does what a gradient could do, but for squares on the way: that is what it is compared with. */
function isDiagonal(workload: Workload): workload is CurvatureWorkload {
  return workload.kind === 'curvature' && workload.algorithm.name.endsWith('.diagFisher');
}
