/** The page of results, in Markdown, from the figures alone. */
import type { Entry } from '../entry.ts';
import { BUSY, formatMs, formatPeak } from '../report.ts';
import { bestOf, labelOf } from './libraries.ts';

/** @param chart the file of the chart, beside the page. */
export function resultsPage(entries: readonly Entry[], chart: string): string {
  const steps = entries.filter(({ points, workload }) => points === undefined && workload.startsWith('W'));
  const measures = entries.filter((entry) => !steps.includes(entry));
  const others = measures.filter(({ stages }) => stages === undefined);
  const parts = [
    '# Results of the benchmarks',
    'Written by `npm run bench:page` from the figures of a run; not edited by hand. What the workloads are and how they are timed: [README](README.md).',
    facts(entries),
    `![Time of a step of other libraries over that of posteriors](${chart})`,
    ...devicesOf(steps).map((device) =>
      section(
        device,
        steps.filter((entry) => entry.device === device),
      ),
    ),
    callCosts(measures),
    chainsTable(steps),
    others.length === 0 ? '' : `## Other costs\n\n${measuresTable(others)}`,
    missingList(entries),
  ];
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

function devicesOf(entries: readonly Entry[]): string[] {
  return [...new Set(entries.map(({ device }) => device))];
}

function facts(entries: readonly Entry[]): string {
  const { run } = entries[0] as Entry;
  const versions = new Map<string, string>();
  for (const { version, peers } of entries) {
    versions.set('posteriors', version);
    for (const peer of peers) if ('version' in peer) versions.set(peer.name.split(',')[0] as string, peer.version);
  }
  const busy =
    run.load >= BUSY
      ? `\n- The machine was busy, load ${run.load.toFixed(1)}: these figures are not to be compared.`
      : '';
  return [
    `- Machine: ${run.machine}`,
    `- Date: ${run.date}`,
    `- Command: \`${run.command}\``,
    `- Versions: ${[...versions].map(([name, version]) => `${name} ${version}`).join('; ')}${busy}`,
  ].join('\n');
}

function section(device: string, entries: readonly Entry[]): string {
  const rows = entries.map((entry) => [
    labelOf(entry),
    entry.stepsPerCall === 1 ? entry.title : `${entry.title}, ${entry.stepsPerCall.toLocaleString('en')} in a call`,
    `${formatMs(entry.medianMs)}, ±${(100 * entry.spread).toFixed(0)} %`,
    entry.pureMs === undefined ? '' : formatMs(entry.pureMs),
    entry.beside === undefined ? '' : `${entry.beside.ratio.toFixed(2)} x`,
    bestOf(entry)
      .map(({ library, medianMs, ratio }) => `${library} ${formatMs(medianMs)} (${ratio.toFixed(2)} x)`)
      .join('<br>'),
  ]);
  const heads = [
    'workload',
    'one step',
    'posteriors',
    'without in place',
    'over its gradient',
    'others, the faster of their ways (time over ours)',
  ];
  return `## On ${device}\n\n${table(heads, rows)}`;
}

/** What the time of a call goes into: a column for each workload on each device. */
function callCosts(entries: readonly Entry[]): string {
  const calls = entries.filter(({ stages }) => stages !== undefined);
  const [first] = calls;
  if (first === undefined) return '';
  const rows = (first.stages ?? []).map(({ name }, i) => [
    name,
    ...calls.map(({ medianMs, stages }) => formatMs((stages?.[i]?.share ?? 0) * medianMs)),
  ]);
  const whole = ['the whole call', ...calls.map(({ medianMs }) => formatMs(medianMs))];
  const heads = ['', ...calls.map((entry) => `${entry.case}, ${entry.device}`)];
  return `## What a call costs\n\nOne call of \`update\`, in place: the whole is timed, and the parts have the shares that the samples of a profile give them.\n\n${table(heads, [...rows, whole])}`;
}

/** What a chain takes among others, beside what it takes alone. */
function chainsTable(entries: readonly Entry[]): string {
  const rows = entries.flatMap((entry) => {
    if (entry.chains === undefined) return [];
    const { chains, perChainMs, aloneMs, ratio } = entry.chains;
    return [
      [labelOf(entry), entry.device, `${chains}`, formatMs(perChainMs), formatMs(aloneMs), `${ratio.toFixed(2)} x`],
    ];
  });
  if (rows.length === 0) return '';
  const heads = ['workload', 'device', 'chains', 'a step, for each chain', 'one chain alone', 'time over that alone'];
  return `## Chains side by side\n\n${table(heads, rows)}`;
}

function measuresTable(entries: readonly Entry[]): string {
  const rows = entries.map((entry) => {
    const ratio = entry.beside === undefined ? '' : `${entry.beside.ratio.toFixed(2)} x ${entry.beside.name}`;
    return [labelOf(entry), entry.title, entry.device, found(entry), ratio];
  });
  return table(['', 'what', 'device', 'median; how it grows over the upper decade; or memory', 'beside'], rows);
}

function found({ medianMs, spread, points, exponent, peak }: Entry): string {
  if (peak !== undefined) return formatPeak(peak);
  if (exponent === undefined) return `${formatMs(medianMs)}, ±${(100 * spread).toFixed(0)} %`;
  const times = points?.map((point) => `${point.size}: ${formatMs(point.medianMs)}`).join(', ');
  return `power ${exponent.toFixed(2)} (${times})`;
}

/** What could not be timed, each reason once. */
function missingList(entries: readonly Entry[]): string {
  const reasons = new Map<string, Set<string>>();
  for (const entry of entries) {
    for (const peer of entry.peers) {
      if (!('missing' in peer)) continue;
      const line = `${peer.name}: ${peer.missing}`;
      reasons.set(line, (reasons.get(line) ?? new Set()).add(labelOf(entry)));
    }
  }
  if (reasons.size === 0) return '';
  const lines = [...reasons].map(([line, workloads]) => `- ${line} (${[...workloads].join(', ')})`);
  return `## Missing\n\n${lines.join('\n')}`;
}

function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  return [heads, heads.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}
