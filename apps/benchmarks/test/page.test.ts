import { describe, expect, test } from 'vitest';
import { type Entry, type Timed, toEntry, toMeasureEntry } from '../src/entry.ts';
import { drawRatios } from '../src/page/chart.ts';
import { bestOf } from '../src/page/libraries.ts';
import { resultsPage } from '../src/page/results-page.ts';
import { absent, inplace, pure, quick, run, slow } from './figures.ts';

const torch = (way: string, medianMs: number) => ({ name: `Torch, ${way}`, version: '2 (cpu)', medianMs, spread: 0 });
const place = { title: 'one step', device: 'wasm', run } as const;
const step = (name: string): Entry =>
  toEntry(
    { ...place, name },
    {
      ours: [inplace, pure],
      beside: quick,
      peers: [torch('pure', 0.1), torch('in place', 0.06), slow],
      missing: [absent],
    },
  );
const looping: Timed = { ...quick, name: 'JAX, lax.scan', stepsPerCall: 1_000 };
const scan: Timed = { ...inplace, name: 'posteriors, scan', stepsPerCall: 1_000 };
const chains = toEntry(
  { ...place, name: 'W10-W2' },
  { ours: [scan], chains: { chains: 4, alone: quick }, peers: [looping], missing: [] },
);
const stages = [
  { name: 'running', share: 0.75 },
  { name: 'the rest', share: 0.25 },
];
const parts = toMeasureEntry({ ...place, name: 'T5' }, { case: 'W1', timed: [inplace], stages });
const growth = { points: [{ size: 8, medianMs: 2 }], exponent: 0.987, case: 'batch', timed: [inplace] } as const;
const memory = toMeasureEntry({ ...place, name: 'T4' }, { timed: [inplace], peak: { bytes: 2 ** 20, copies: 8 } });
const entries = [step('W1'), step('W6-512'), chains, parts, toMeasureEntry({ ...place, name: 'S1' }, growth), memory];

test('bestOf takes the faster of the ways of a library', () => {
  expect(bestOf(entries[0]!).map(({ library, ratio }) => [library, ratio])).toEqual([
    ['Torch', 3],
    ['slow', 50],
  ]);
});

describe('resultsPage', () => {
  const page = resultsPage(entries, 'chart.svg');

  test('says where the figures are from', () => {
    expect(page).toContain('- Machine: a machine\n- Date: 2030-01-01\n- Command: `npm run bench --`');
    expect(page).toContain('- Versions: posteriors 0.1.0; Torch 2 (cpu); slow 1.0');
    expect(page).not.toContain('busy');
    expect(resultsPage([{ ...entries[0]!, run: { ...run, load: 3 } }], 'chart.svg')).toContain('busy, load 3.0');
  });

  test('has a row for each workload and measure', () => {
    expect(page).toContain('![Time of a step of other libraries over that of posteriors](chart.svg)');
    expect(page).toContain(
      '| W6 512 | one step | 20.0 us, ±5 % | 25.0 us | 2.00 x | Torch 60.0 us (3.00 x)<br>slow 1.00 ms (50.00 x) |',
    );
    expect(page).toContain('| T4 | one step | wasm | 1.00 MiB at once, 8.0 copies of the parameters |  |');
    expect(page).toContain('| S1 batch | one step | wasm | power 0.99 (8: 2.00 ms) |  |');
  });

  test('puts many steps in a call beside what loops too', () => {
    expect(page).toContain('| W10 W2 scan | one step, 1,000 in a call | 20.0 us, ±5 % |  |  | JAX 10.0 us (0.50 x) |');
  });

  test('compares a chain among others with one alone', () => {
    expect(page).toContain('## Chains side by side');
    expect(page).toContain('| W10 W2 scan | wasm | 4 | 5.0 us | 10.0 us | 0.50 x |');
  });

  test('breaks a call down', () => {
    expect(page).toContain(
      '|  | W1, wasm |\n| --- | --- |\n| running | 15.0 us |\n| the rest | 5.0 us |\n| the whole call | 20.0 us |',
    );
    expect(page).not.toContain('| T5');
  });

  test('gives each reason once why something is missing', () => {
    expect(page).toContain('## Missing\n\n- absent: not installed (W1, W6 512)\n');
  });
});

describe('drawRatios', () => {
  test('draws a dot for each library on each workload, and names them', () => {
    const svg = drawRatios(entries);
    expect(svg.match(/<circle/g)).toHaveLength(2 * 2 + 1 + 3);
    for (const label of ['W1', 'W6 512', 'W10 W2 scan', 'Torch', 'slow', 'JAX', 'wasm'])
      expect(svg).toContain(`>${label}</text>`);
  });

  test('refuses figures of posteriors alone', () => {
    expect(() => drawRatios([memory])).toThrow('they need a run with --peers');
  });
});
