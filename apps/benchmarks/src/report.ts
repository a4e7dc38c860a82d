import { mkdir, writeFile } from 'node:fs/promises';
import { availableParallelism, cpus, loadavg } from 'node:os';
import { dirname } from 'node:path';
import type { Missing } from './contender.ts';
import type { Device } from './devices.ts';
import type { Timing } from './timing.ts';

/** The figures of another library in the same run. */
type PeerEntry = {
  readonly name: string;
  readonly version: string;
  readonly medianMs: number;
  /** Its time over ours. */
  readonly ratio: number;
};

/** The figures of one workload on one device. */
export type Entry = {
  readonly workload: string;
  readonly device: Device;
  /** Time of a call, in milliseconds: `update` with `inplace`. */
  readonly medianMs: number;
  /** The distance between the quartiles over the median. */
  readonly spread: number;
  readonly stepsPerCall: number;
  /** Time of a call without `inplace`. */
  readonly pureMs: number;
  /** In the order of their speed; those that are missing last. */
  readonly peers: readonly (PeerEntry | Missing)[];
};

/** What was timed, with its name and version. */
export type Timed = Timing & { readonly name: string; readonly version: string };

export type Timings = {
  readonly inplace: Timed;
  readonly pure: Timed;
  readonly peers: readonly Timed[];
  readonly missing: readonly Missing[];
};

export function toEntry(workload: string, device: Device, { inplace, pure, peers, missing }: Timings): Entry {
  const ranked = peers
    .toSorted((a, b) => a.medianMs - b.medianMs)
    .map(({ name, version, medianMs }) => ({ name, version, medianMs, ratio: medianMs / inplace.medianMs }));
  return {
    workload,
    device,
    medianMs: inplace.medianMs,
    spread: inplace.spread,
    stepsPerCall: 1,
    pureMs: pure.medianMs,
    peers: [...ranked, ...missing],
  };
}

/** The figures of a transform of functions on one device. */
export type MeasureEntry = {
  readonly workload: string;
  readonly device: Device;
  readonly medianMs: number;
  readonly spread: number;
  /** What it was compared with, if there is anything. */
  readonly beside?: { readonly name: string; readonly medianMs: number; readonly ratio: number };
};

export function toMeasureEntry(workload: string, device: Device, timed: readonly Timed[]): MeasureEntry {
  const { medianMs, spread } = timed[timed.length - 1] as Timed;
  if (timed.length === 1) return { workload, device, medianMs, spread };
  const [first] = timed as readonly [Timed];
  return {
    workload,
    device,
    medianMs,
    spread,
    beside: { name: first.name, medianMs: first.medianMs, ratio: medianMs / first.medianMs },
  };
}

/** The machine in one line, and another if it is busy. */
export function machineFacts(): string {
  const facts = `${cpus()[0]?.model.trim()}, ${availableParallelism()} cores, Node ${process.versions.node}`;
  const busy = loadavg()[0] ?? 0;
  if (busy < 0.5) return facts;
  return `${facts}\nThe machine is busy (load ${busy.toFixed(1)} in the last minute): these figures are not to be compared.`;
}

/** A table: each contender's time, spread, and its time over that of posteriors in place. */
export function formatTimings(device: Device, { inplace, pure, peers, missing }: Timings): string {
  return formatTable(device, [inplace, pure, ...peers], missing);
}

/** A table: what was timed, its spread, and its time over that of the first. */
export function formatTable(device: Device, timed: readonly Timed[], missing: readonly Missing[] = []): string {
  const rows = timed.map(({ name, version, medianMs, spread }, i) => [
    i === 0 ? device : '',
    name,
    formatMs(medianMs),
    `±${(100 * spread).toFixed(0)} %`,
    `${(medianMs / timed[0]!.medianMs).toFixed(2)} x`,
    version,
  ]);
  const lost = missing.map(({ name, missing: reason }) => ['', name, 'missing', '', '', reason]);
  return alignColumns([...rows, ...lost]);
}

function formatMs(ms: number): string {
  return ms < 1 ? `${(1_000 * ms).toFixed(1)} us` : `${ms.toFixed(2)} ms`;
}

const LEAST_WIDTHS = [
  'webgpu'.length,
  'PyTorch posteriors, in place'.length,
  '999.9 us'.length,
  '±100 %'.length,
  '99.99 x'.length,
];

/** Lines of cells, two spaces between: figures aligned right, all else left. */
function alignColumns(rows: readonly (readonly string[])[]): string {
  const width = (column: number): number =>
    Math.max(LEAST_WIDTHS[column] ?? 0, ...rows.map((row) => row[column]?.length ?? 0));
  return rows
    .map((row) => {
      const cells = row.map((cell, column) =>
        column >= 2 && column <= 4 ? cell.padStart(width(column)) : cell.padEnd(width(column)),
      );
      return `  ${cells.join('  ')}`.trimEnd();
    })
    .join('\n');
}

/**
 * Writes the figures as a list; missing folders are made.
 *
 * @throws if the file cannot be written.
 */
export async function writeJson(file: string, entries: readonly (Entry | MeasureEntry)[]): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, `${JSON.stringify(entries, null, 2)}\n`);
}
