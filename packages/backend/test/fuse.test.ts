// Random programs of elementwise kernels and reductions, in loops of our own: equal to the bit to what each equation makes of float32 numbers.
import '../src/cpu.ts';
import '../src/wasm.ts';
import { tensor } from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { record, setBackend } from '../src/index.ts';
import { mayMakeFunctions } from '../src/routines-on-cpu.ts';
import { requireSame } from './fused-and-plain.ts';
import { plans } from './random-programs.ts';
import { float, runOnce, traceOf } from './traced.ts';

const devices = mayMakeFunctions() ? (['cpu', 'wasm'] as const) : (['wasm'] as const);

describe.each(devices)('on %s', (device) => {
  beforeAll(() => setBackend(device));

  test('random programs', () => {
    fc.assert(fc.property(plans([2, 3, 4, 5, 7, 8, 17, 33]), requireSame), { numRuns: 300, seed: 1 });
  });

  test('random programs with few elements, or none', () => {
    fc.assert(fc.property(plans([0, 1, 2]), requireSame), { numRuns: 100, seed: 2 });
  });

  test.each([1, 3, 4, 1001])('sums of rows of %i are those of float64, rounded', (length) => {
    const count = 5;
    const program = traceOf((x) => record('Sum', [record('Neg', [x!])], { axis: [1] }), [float(count, length)]);
    // What is large cancels, and of a sum in float32 little were left.
    const values = Float32Array.from({ length: count * length }, (_, i) => {
      const place = i % length;
      const large = place === 0 && length > 1 ? 1e4 : place === length - 1 && length > 1 ? -1e4 : 0;
      return large + Math.sin(i * i);
    });
    const [first, second] = [2 * length, 3 * length];
    values[first] = Number.POSITIVE_INFINITY;
    values[second] = Number.NaN;
    const rows = Array.from({ length: count }, (_, row) => values.subarray(row * length, (row + 1) * length));
    const x = tensor(values, [count, length]);
    const [result] = runOnce(program, [x]);
    const sums = rows.map((row) => Math.fround(-row.reduce((sum, value) => sum + value, 0)));
    expect(Array.from(result!.dataSync())).toEqual(sums);
    x.dispose();
    result!.dispose();
  });
});
