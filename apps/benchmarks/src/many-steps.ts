/** Many steps in one call: the loop is part of the program. */
import type { Workload } from './workloads/workload.ts';

/**
 * Steps in a call of those that loop by themselves; undefined where a step takes so long that what a call costs does not matter, and they are not
 * timed.
 */
export function stepsPerScan({ kind, model }: Workload): number | undefined {
  if (kind !== 'posterior' || (model.name !== 'doubleWell' && model.name !== 'logistic')) return;
  return model.chains === undefined ? 1_000 : 100;
}

/** The time of `steps` steps in milliseconds, by as many calls as it takes, which may do more of them. */
export async function timeCalls(
  steps: number,
  stepsPerCall: number,
  call: () => void,
  wait: () => Promise<unknown>,
): Promise<number> {
  const calls = Math.ceil(steps / stepsPerCall);
  const start = performance.now();
  for (let i = 0; i < calls; i++) call();
  await wait();
  return ((performance.now() - start) * steps) / (calls * stepsPerCall);
}
