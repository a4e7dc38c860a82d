import type { Timeable } from './contender.ts';

export interface TimingOptions {
  readonly rounds: number;
  /** How long a round of one contender lasts, in milliseconds. */
  readonly roundMs: number;
  /** After this time no further round begins, in milliseconds. Three rounds are always taken. */
  readonly mostMs: number;
}

export interface Timing {
  /** Of one step: the median over rounds, in milliseconds. */
  readonly medianMs: number;
  /** The distance between the quartiles over the median. */
  readonly spread: number;
}

type Timed = Pick<Timeable, 'time'>;

const LEAST_ROUNDS = 3;

/**
 * Times contenders in turn: in each round each of them takes as many steps as fill the round, every other round in
 * reverse order, so that whatever slows the machine for a while slows all of them.
 */
export async function timeInTurn(
  contenders: readonly Timed[],
  { rounds, roundMs, mostMs }: TimingOptions,
): Promise<Timing[]> {
  const entries: { contender: Timed; calls: number; times: number[] }[] = [];
  for (const contender of contenders) {
    entries.push({ contender, calls: await warmUp(contender, roundMs), times: [] });
  }
  const start = performance.now();
  for (let round = 0; round < rounds; round++) {
    if (round >= LEAST_ROUNDS && performance.now() - start > mostMs) break;
    for (const { contender, calls, times } of round % 2 === 0 ? entries : entries.toReversed()) {
      times.push((await contender.time(calls)) / calls);
    }
  }
  return entries.map(({ times }) => summarise(times));
}

/** Doubles the number of steps until they last half a round. Answers how many fill one. */
async function warmUp(contender: Timed, roundMs: number): Promise<number> {
  for (let calls = 1; ; calls *= 2) {
    const ms = await contender.time(calls);
    if (ms >= roundMs / 2) return Math.max(1, Math.round((calls * roundMs) / ms));
  }
}

/** Median and spread of times; `spread` is 0 for a single one. */
export function summarise(times: readonly number[]): Timing {
  const sorted = times.toSorted((a, b) => a - b);
  const medianMs = quantile(sorted, 0.5);
  return { medianMs, spread: (quantile(sorted, 0.75) - quantile(sorted, 0.25)) / medianMs };
}

/** Linear between the two nearest of the sorted values. */
function quantile(sorted: readonly number[], share: number): number {
  if (sorted.length === 0) throw new Error('summarise: there are no times');
  const position = share * (sorted.length - 1);
  const below = sorted[Math.floor(position)] as number;
  const above = sorted[Math.ceil(position)] as number;
  return below + (position - Math.floor(position)) * (above - below);
}
