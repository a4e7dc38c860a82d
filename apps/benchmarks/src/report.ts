/** What is printed. */
import { availableParallelism, cpus } from 'node:os';
import type { Missing } from './contender.ts';
import type { Device } from './devices.ts';
import type { Finding, RunFacts, Timed, Timings } from './entry.ts';

/** Above this the machine does other things too. */
export const BUSY = 0.5;

/** The machine in a few words. */
export function machine(): string {
  return `${cpus()[0]?.model.trim()}, ${availableParallelism()} cores, Node ${process.versions.node}`;
}

/** The machine in one line, and another if it is busy. */
export function formatFacts({ machine, load }: RunFacts): string {
  if (load < BUSY) return machine;
  return `${machine}\nThe machine is busy (load ${load.toFixed(1)} in the last minute): these figures are not to be compared.`;
}

/** A table: each contender's time of a step, spread, and its time over that of the first of ours. */
export function formatTimings(device: Device, { ours, beside, chains, peers, missing }: Timings): string {
  const timed = [...ours, beside, chains?.alone, ...peers].filter((each) => each !== undefined);
  return formatTable(device, timed, missing);
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

/** What a measure found: the table, and how the cost grows if that is what was asked. */
export function formatFinding(device: Device, { case: of, timed, points, exponent, peak, stages }: Finding): string {
  if (peak !== undefined) return `  ${device.padEnd('webgpu'.length)}  ${formatPeak(peak)}`;
  if (stages !== undefined) {
    const [{ medianMs }] = timed;
    const parts = stages.map(({ name, share }) => ['', name, formatMs(share * medianMs)]);
    return `${formatTable(device, timed)}\n${alignColumns(parts)}`;
  }
  if (exponent === undefined) return formatTable(device, timed);
  const times = points?.map(({ size, medianMs }) => `${size}: ${formatMs(medianMs)}`).join(', ');
  return `  ${device.padEnd('webgpu'.length)}  cost goes with the ${of} to the power of ${exponent.toFixed(2)} (${times})`;
}

export function formatPeak({ bytes, copies }: NonNullable<Finding['peak']>): string {
  return `${(bytes / 2 ** 20).toFixed(2)} MiB at once, ${copies.toFixed(1)} copies of the parameters`;
}

export function formatMs(ms: number): string {
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
