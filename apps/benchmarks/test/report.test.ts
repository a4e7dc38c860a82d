import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  formatTable,
  formatTimings,
  type Timed,
  type Timings,
  toEntry,
  toMeasureEntry,
  writeJson,
} from '../src/report.ts';

const timings: Timings = {
  inplace: { name: 'posteriors, in place', version: '0.1.0', medianMs: 0.02, spread: 0.05 },
  pure: { name: 'posteriors, pure', version: '0.1.0', medianMs: 0.025, spread: 0 },
  peers: [
    { name: 'slow', version: '1.0', medianMs: 1, spread: 0.1 },
    { name: 'quick', version: '2.0', medianMs: 0.01, spread: 0 },
  ],
  missing: [{ name: 'absent', missing: 'not installed' }],
};

describe('toEntry', () => {
  test('divides the time of each peer by that of the update in place, and names those that are missing', () => {
    expect(toEntry('W1', 'cpu', timings)).toEqual({
      workload: 'W1',
      device: 'cpu',
      medianMs: 0.02,
      spread: 0.05,
      stepsPerCall: 1,
      pureMs: 0.025,
      peers: [
        { name: 'quick', version: '2.0', medianMs: 0.01, ratio: 0.5 },
        { name: 'slow', version: '1.0', medianMs: 1, ratio: 50 },
        { name: 'absent', missing: 'not installed' },
      ],
    });
  });
});

describe('formatTimings', () => {
  test('shows each contender on a line, the device on the first', () => {
    expect(formatTimings('wasm', timings).split('\n')).toEqual([
      '  wasm    posteriors, in place           20.0 us    ±5 %   1.00 x  0.1.0',
      '          posteriors, pure               25.0 us    ±0 %   1.25 x  0.1.0',
      '          slow                           1.00 ms   ±10 %  50.00 x  1.0',
      '          quick                          10.0 us    ±0 %   0.50 x  2.0',
      '          absent                         missing                   not installed',
    ]);
  });
});

describe('the figures of a transform', () => {
  const [slow, quick] = timings.peers as [Timed, Timed];

  test('are those of the last that was timed, beside the first', () => {
    expect(toMeasureEntry('T1', 'cpu', [quick, slow])).toEqual({
      workload: 'T1',
      device: 'cpu',
      medianMs: 1,
      spread: 0.1,
      beside: { name: 'quick', medianMs: 0.01, ratio: 100 },
    });
    expect(toMeasureEntry('T2', 'wasm', [slow])).toEqual({
      workload: 'T2',
      device: 'wasm',
      medianMs: 1,
      spread: 0.1,
    });
  });

  test('are shown with ratios to the first', () => {
    expect(formatTable('cpu', [quick, slow]).split('\n')).toEqual([
      '  cpu     quick                          10.0 us    ±0 %    1.00 x  2.0',
      '          slow                           1.00 ms   ±10 %  100.00 x  1.0',
    ]);
  });
});

describe('writeJson', () => {
  test('writes a list, into folders that are not there yet', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'benchmarks-'));
    const file = join(folder, 'new', 'figures.json');
    try {
      const entries = [toEntry('W1', 'cpu', timings), toEntry('W1', 'wasm', timings)];
      await writeJson(file, entries);
      expect(JSON.parse(await readFile(file, 'utf8'))).toEqual(entries);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
