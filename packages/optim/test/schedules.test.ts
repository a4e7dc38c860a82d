import '@posteriors/testing';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { constantSchedule, cosineDecaySchedule } from '../src/index.ts';
import golden from './golden/optim.json' with { type: 'json' };

test('constantSchedule', () => {
  const schedule = constantSchedule(0.3);
  expect([0, 1, 1000].map(schedule)).toEqual([0.3, 0.3, 0.3]);
  expect(() => constantSchedule(Number.NaN)).toThrow(
    'optim.constantSchedule: value is NaN and must be a finite number',
  );
});

describe('cosineDecaySchedule', () => {
  test('equals torch.optim.lr_scheduler.CosineAnnealingLR', () => {
    const schedule = cosineDecaySchedule(0.05, 50, { final: 0.01 });
    expect(golden.cosineRates.map((_, step) => schedule(step))).toBeAllClose(golden.cosineRates);
  });

  test('goes from one value to the other, is half way in the middle, and stays', () => {
    const schedule = cosineDecaySchedule(5e-3, 10);
    expect([0, 5, 10].map(schedule)).toBeAllClose([5e-3, 2.5e-3, 0]);
    expect([10, 11, 1e6].map(schedule)).toEqual([0, 0, 0]);
  });

  test('never leaves the interval, and goes one way', () => {
    const value = fc.double({ min: 0, max: 10, noNaN: true });
    fc.assert(
      fc.property(value, value, fc.integer({ min: 1, max: 40 }), (initial, final, steps) => {
        const schedule = cosineDecaySchedule(initial, steps, { final });
        const values = Array.from({ length: steps + 3 }, (_, step) => schedule(step));
        const slack = 1e-12;
        for (const [i, v] of values.entries()) {
          expect(v).toBeGreaterThanOrEqual(Math.min(initial, final) - slack);
          expect(v).toBeLessThanOrEqual(Math.max(initial, final) + slack);
          if (i > 0) expect((v - values[i - 1]!) * Math.sign(final - initial)).toBeGreaterThanOrEqual(-slack);
        }
      }),
    );
  });

  test('errors say what was given and what must be', () => {
    const name = 'optim.cosineDecaySchedule';
    expect(() => cosineDecaySchedule(Infinity, 10)).toThrow(`${name}: initial is Infinity and must be a finite number`);
    expect(() => cosineDecaySchedule(1, 10, { final: Number.NaN })).toThrow(`${name}: final is NaN`);
    for (const steps of [0, 2.5, Number.NaN]) {
      expect(() => cosineDecaySchedule(1, steps)).toThrow(`${name}: steps is ${steps} and must be an integer from 1`);
    }
  });
});
