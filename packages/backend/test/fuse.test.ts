// Random programs of elementwise kernels and reductions, in loops of our own: equal to the bit to what each equation makes of float32 numbers.
import '../src/wasm.ts';
import fc from 'fast-check';
import { beforeAll, test } from 'vitest';
import { setBackend } from '../src/index.ts';
import { requireSame } from './fused-and-plain.ts';
import { plans } from './random-programs.ts';

beforeAll(() => setBackend('wasm'));

test('random programs', () => {
  fc.assert(fc.property(plans([2, 3, 4, 5, 7, 8, 17, 33]), requireSame), { numRuns: 300, seed: 1 });
});

test('random programs with few elements, or none', () => {
  fc.assert(fc.property(plans([0, 1, 2]), requireSame), { numRuns: 100, seed: 2 });
});
