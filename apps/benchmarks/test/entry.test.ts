import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readJson, toEntry, toMeasureEntry, writeJson } from '../src/entry.ts';
import { absent, inplace, pure, quick, run, slow } from './figures.ts';

const place = { name: 'W1', title: 'one step', device: 'cpu', run } as const;
const entry = toEntry(place, { ours: [inplace, pure], peers: [slow, quick], missing: [absent] });

describe('toEntry', () => {
  test('divides the time of each peer by that of the first of ours, and names those that are missing', () => {
    expect(entry).toEqual({
      workload: 'W1',
      title: 'one step',
      device: 'cpu',
      version: '0.1.0',
      medianMs: 0.02,
      spread: 0.05,
      stepsPerCall: 1,
      pureMs: 0.025,
      peers: [
        { name: 'quick', version: '2.0', medianMs: 0.01, ratio: 0.5 },
        { name: 'slow', version: '1.0', medianMs: 1, ratio: 50 },
        { name: 'absent', missing: 'not installed' },
      ],
      run,
    });
  });

  test('tells a case from its workload, and puts what is beside over nothing else', () => {
    const timings = { ours: [inplace], beside: quick, peers: [], missing: [] } as const;
    const { workload, case: of, pureMs, beside } = toEntry({ ...place, name: 'W6-512' }, timings);
    expect({ workload, of, pureMs }).toEqual({ workload: 'W6', of: '512', pureMs: undefined });
    expect(beside).toEqual({ name: 'quick', medianMs: 0.01, ratio: 2 });
  });
});

test('toEntry knows many steps in a call as a case, and what a chain takes among others', () => {
  const scan = { ...inplace, stepsPerCall: 100 };
  const timings = { ours: [scan], chains: { chains: 4, alone: quick }, peers: [], missing: [] } as const;
  expect(toEntry({ ...place, name: 'W10-W2' }, timings)).toMatchObject({
    workload: 'W10',
    case: 'W2 scan',
    stepsPerCall: 100,
    chains: { chains: 4, perChainMs: 0.005, aloneMs: 0.01, ratio: 0.5 },
  });
});

describe('toMeasureEntry', () => {
  test('takes the last that was timed, beside the first', () => {
    expect(toMeasureEntry({ ...place, name: 'T1' }, { timed: [quick, slow] })).toMatchObject({
      workload: 'T1',
      medianMs: 1,
      spread: 0.1,
      beside: { name: 'quick', medianMs: 0.01, ratio: 100 },
      peers: [],
    });
    expect(toMeasureEntry({ ...place, name: 'T2' }, { timed: [slow] })).not.toHaveProperty('beside');
  });

  test('keeps how a cost grows', () => {
    const points = [{ size: 1, medianMs: 1 }];
    const found = toMeasureEntry({ ...place, name: 'S1' }, { case: 'batch', timed: [slow], points, exponent: 0.5 });
    expect(found).toMatchObject({ workload: 'S1', case: 'batch', medianMs: 1, points, exponent: 0.5 });
  });
});

describe('the file of figures', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'benchmarks-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  test('is a list, in folders that are not there yet', async () => {
    const file = join(folder, 'new', 'figures.json');
    await writeJson(file, [entry, entry]);
    expect(JSON.parse(await readFile(file, 'utf8'))).toEqual([entry, entry]);
    expect(await readJson(file)).toEqual([entry, entry]);
  });

  test.each(['[]', '{}', '[{"medianMs": 1}]'])('is not taken for one if it holds %s', async (text) => {
    const file = join(folder, 'other.json');
    await writeFile(file, text);
    await expect(readJson(file)).rejects.toThrow(/other\.json holds no figures of the benchmarks/);
  });
});
