// As routines.test.ts, with more programs.
import '../src/cpu.ts';
import '../src/wasm.ts';
import fc from 'fast-check';
import { beforeAll, describe, test } from 'vitest';
import { setBackend } from '../src/index.ts';
import { routinePlans } from './routine-programs.ts';
import { requireSameInRoutines } from './routines-and-plain.ts';

describe.each(['cpu', 'wasm'] as const)('on %s', (device) => {
  beforeAll(() => setBackend(device));

  test.each([
    ['of all sizes', 1600, [1, 2, 3, 4, 5, 7]],
    ['of few elements', 400, [0, 1, 2]],
  ])('random programs %s', (_, numRuns, lengths) => {
    fc.assert(fc.property(routinePlans(lengths), requireSameInRoutines), { numRuns, seed: 3 });
  });
});
