import type { Entry } from '../entry.ts';

/** The figures of a library on a workload: of its ways the fastest. */
export interface Best {
  readonly library: string;
  readonly medianMs: number;
  /** Its time over ours. */
  readonly ratio: number;
}

const WAY = /, (in place|pure|vmap|jitted step|lax\.scan|float32|float64)$/;

/** The best of each library, in the order of their speed. */
export function bestOf({ peers }: Entry): Best[] {
  const best = new Map<string, Best>();
  for (const peer of peers) {
    if ('missing' in peer) continue;
    const library = peer.name.replace(WAY, '');
    const before = best.get(library);
    if (before === undefined || peer.medianMs < before.medianMs) best.set(library, { ...peer, library });
  }
  return [...best.values()].sort((a, b) => a.medianMs - b.medianMs);
}

/** The name of the workload with its case. */
export function labelOf({ workload, case: of }: Entry): string {
  return of === undefined ? workload : `${workload} ${of}`;
}
