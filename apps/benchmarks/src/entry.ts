/** What goes into the JSON file. */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Missing, Timeable } from './contender.ts';
import type { Device } from './devices.ts';
import type { Timing } from './timing.ts';

/** Where and how a run was made: the same in all its entries. */
export interface RunFacts {
  readonly machine: string;
  readonly command: string;
  readonly date: string;
  /** The load of the machine when the run began: above 0.5 its figures are not to be compared. */
  readonly load: number;
}

/** What was timed, with its name and version. */
export type Timed = Timing & Pick<Timeable, 'name' | 'version' | 'stepsPerCall'>;

/** The figures of another library in the same run. */
type PeerEntry = {
  readonly name: string;
  readonly version: string;
  readonly medianMs: number;
  /** Its time over ours. */
  readonly ratio: number;
};

/** Something of ours beside which a time is put, which is `ratio` times as long. */
type Beside = { readonly name: string; readonly medianMs: number; readonly ratio: number };

/** Several chains as one state, and one of them alone. */
type Chains = {
  readonly chains: number;
  /** Time of a step over the number of chains. */
  readonly perChainMs: number;
  /** Time of a step of one chain alone, taken in the same way. */
  readonly aloneMs: number;
  /** What a chain takes among the others over what it takes alone. */
  readonly ratio: number;
};

/** A part of what a call costs. */
export type Stage = {
  readonly name: string;
  /** Of the whole call. */
  readonly share: number;
};

/** The most memory that a step takes at once, beyond its inputs and constants. */
type Peak = {
  readonly bytes: number;
  /** Over the bytes of the parameters. */
  readonly copies: number;
};

export interface Entry {
  readonly workload: string;
  /** Which of the cases of the workload, if it has several. */
  readonly case?: string;
  readonly title: string;
  readonly device: Device;
  readonly version: string;
  /** Time of a step, in milliseconds: of `update` with `inplace` or, in the case `scan`, of one of those in a call. */
  readonly medianMs: number;
  /** The distance between the quartiles over the median. */
  readonly spread: number;
  readonly stepsPerCall: number;
  /** Time of a call without `inplace`. */
  readonly pureMs?: number;
  readonly beside?: Beside;
  readonly chains?: Chains;
  /** What the time of a call goes into, in the order in which it happens. */
  readonly stages?: readonly Stage[];
  /** In the order of their speed; those that are missing last. */
  readonly peers: readonly (PeerEntry | Missing)[];
  /** Of a cost that grows: median times at sizes, and the power of the size that they go with over the upper decade. */
  readonly points?: readonly { readonly size: number; readonly medianMs: number }[];
  readonly exponent?: number;
  readonly peak?: Peak;
  readonly run: RunFacts;
}

/** What was timed of a workload in one way, one step in a call or many. */
export interface Timings {
  /** The first is the one that others are compared with; a second is without `inplace`. */
  readonly ours: readonly [Timed, Timed?];
  readonly beside?: Timed | undefined;
  /** Of a workload with several chains. */
  readonly chains?: { readonly chains: number; readonly alone: Timed } | undefined;
  readonly peers: readonly Timed[];
  readonly missing: readonly Missing[];
}

/** The place of an entry. */
export interface Place {
  /** The name of the workload, after a dash the case. */
  readonly name: string;
  readonly title: string;
  readonly device: Device;
  readonly run: RunFacts;
}

export function toEntry(place: Place, { ours, beside, chains, peers, missing }: Timings): Entry {
  const [first, pure] = ours;
  const ranked = peers
    .toSorted((a, b) => a.medianMs - b.medianMs)
    .map(({ name, version, medianMs }) => ({ name, version, medianMs, ratio: medianMs / first.medianMs }));
  return {
    ...head(place, first),
    ...(pure === undefined ? {} : { pureMs: pure.medianMs }),
    ...(beside === undefined ? {} : { beside: besideOf(first, beside) }),
    ...(chains === undefined ? {} : { chains: chainsOf(first, chains) }),
    peers: [...ranked, ...missing],
    run: place.run,
  };
}

/** What a measure finds on a device. */
export interface Finding {
  readonly case?: string;
  /** The time found is the last; the first is what it is beside, if there are two. */
  readonly timed: readonly [Timed, ...Timed[]];
  readonly points?: NonNullable<Entry['points']>;
  readonly exponent?: number;
  readonly peak?: Peak;
  readonly stages?: readonly Stage[];
}

export function toMeasureEntry(place: Place, { case: of, timed, ...rest }: Finding): Entry {
  const [first] = timed;
  const last = timed[timed.length - 1] as Timed;
  return {
    ...head(of === undefined ? place : { ...place, name: `${place.name}-${of}` }, last),
    ...(timed.length === 1 ? {} : { beside: besideOf(last, first) }),
    ...rest,
    peers: [],
    run: place.run,
  };
}

function head({ name, title, device }: Place, { version, medianMs, spread, stepsPerCall = 1 }: Timed) {
  const [workload, ...cases] = name.split('-') as [string, ...string[]];
  if (stepsPerCall > 1) cases.push('scan');
  const names = cases.length === 0 ? { workload } : { workload, case: cases.join(' ') };
  return { ...names, title, device, version, medianMs, spread, stepsPerCall };
}

function chainsOf({ medianMs }: Timed, { chains, alone }: NonNullable<Timings['chains']>): Chains {
  const perChainMs = medianMs / chains;
  return { chains, perChainMs, aloneMs: alone.medianMs, ratio: perChainMs / alone.medianMs };
}

function besideOf(timed: Timed, { name, medianMs }: Timed): Beside {
  return { name, medianMs, ratio: timed.medianMs / medianMs };
}

/**
 * Writes the figures as a list; missing folders are made.
 *
 * @throws if the file cannot be written.
 */
export async function writeJson(file: string, entries: readonly Entry[]): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, `${JSON.stringify(entries, null, 2)}\n`);
}

/** @throws if the file is none that {@link writeJson} wrote. */
export async function readJson(file: string): Promise<Entry[]> {
  const entries: unknown = JSON.parse(await readFile(file, 'utf8'));
  const isEntry = (entry: Partial<Entry>): boolean => entry?.run !== undefined && typeof entry.medianMs === 'number';
  if (Array.isArray(entries) && entries.length > 0 && entries.every(isEntry)) return entries;
  throw new Error(`${file} holds no figures of the benchmarks: a file that --json wrote is needed`);
}
