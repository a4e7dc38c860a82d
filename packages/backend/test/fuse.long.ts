// As fuse.test.ts, with more programs.
import '../src/cpu.ts';
import '../src/wasm.ts';
import fc from 'fast-check';
import { beforeAll, describe, test } from 'vitest';
import { setBackend } from '../src/index.ts';
import { requireSame } from './fused-and-plain.ts';
import { plans } from './random-programs.ts';

describe.each(['cpu', 'wasm'] as const)('on %s', (device) => {
  beforeAll(() => setBackend(device));

  test.each([
    ['of all sizes', 3000, [2, 3, 4, 5, 7, 8, 17, 33]],
    ['of few elements', 1000, [0, 1, 2]],
    ['of many', 100, [9, 64, 300]],
  ])('random programs %s', (_, numRuns, lengths) => {
    fc.assert(fc.property(plans(lengths), requireSame), { numRuns, seed: 3 });
  });
});
