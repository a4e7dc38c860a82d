import { describe, expect, test } from 'vitest';
import { formatFacts, formatFinding, formatTable, formatTimings } from '../src/report.ts';
import { absent, inplace, pure, quick, run, slow } from './figures.ts';

describe('formatTimings', () => {
  test('shows each contender on a line, the device on the first', () => {
    const timings = { ours: [inplace, pure], beside: quick, peers: [slow], missing: [absent] } as const;
    expect(formatTimings('wasm', timings).split('\n')).toEqual([
      '  wasm    posteriors, in place           20.0 us    ±5 %   1.00 x  0.1.0',
      '          posteriors, pure               25.0 us    ±0 %   1.25 x  0.1.0',
      '          quick                          10.0 us    ±0 %   0.50 x  2.0',
      '          slow                           1.00 ms   ±10 %  50.00 x  1.0',
      '          absent                         missing                   not installed',
    ]);
  });

  test('shows one way alone where there is no other', () => {
    expect(formatTimings('cpu', { ours: [inplace], peers: [], missing: [] }).split('\n')).toHaveLength(1);
  });
});

describe('what a measure found', () => {
  test('is shown with ratios to the first', () => {
    expect(formatFinding('cpu', { timed: [quick, slow] })).toBe(formatTable('cpu', [quick, slow]));
    expect(formatTable('cpu', [quick, slow]).split('\n')).toEqual([
      '  cpu     quick                          10.0 us    ±0 %    1.00 x  2.0',
      '          slow                           1.00 ms   ±10 %  100.00 x  1.0',
    ]);
  });

  test('is shown as a power where it is about growth', () => {
    const points = [
      { size: 8, medianMs: 0.5 },
      { size: 64, medianMs: 4 },
    ];
    expect(formatFinding('wasm', { case: 'batch', timed: [slow], points, exponent: 1 })).toBe(
      '  wasm    cost goes with the batch to the power of 1.00 (8: 500.0 us, 64: 4.00 ms)',
    );
  });
});

test('formatFinding shows memory where it is about that', () => {
  expect(formatFinding('cpu', { timed: [slow], peak: { bytes: 2 ** 21, copies: 9.96 } })).toBe(
    '  cpu     2.00 MiB at once, 10.0 copies of the parameters',
  );
});

test('formatFinding shows the parts of a call', () => {
  const stages = [{ name: 'running', share: 0.5 }];
  expect(formatFinding('cpu', { case: 'W1', timed: [inplace], stages }).split('\n')).toEqual([
    '  cpu     posteriors, in place           20.0 us    ±5 %   1.00 x  0.1.0',
    '          running                        10.0 us',
  ]);
});

test('formatFacts warns of a busy machine', () => {
  expect(formatFacts(run)).toBe('a machine');
  expect(formatFacts({ ...run, load: 2 })).toContain('The machine is busy (load 2.0');
});
