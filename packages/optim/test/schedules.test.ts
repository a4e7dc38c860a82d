import '@posteriors/testing';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  constantSchedule,
  cosineDecaySchedule,
  exponentialDecaySchedule,
  polynomialSchedule,
  powerDecaySchedule,
  sequenceSchedules,
} from '../src/index.ts';
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

test('polynomialSchedule: a line, a power of one, and upwards', () => {
  expect([0, 1, 2, 4, 9].map(polynomialSchedule(1, 4))).toBeAllClose([1, 0.75, 0.5, 0, 0]);
  expect([0, 2, 4].map(polynomialSchedule(1, 4, { final: 0.2, power: 2 }))).toBeAllClose([1, 0.4, 0.2]);
  expect([0, 5, 10, 11].map(polynomialSchedule(0, 10, { final: 1 }))).toBeAllClose([0, 0.5, 1, 1]);
  expect(() => polynomialSchedule(1, 0)).toThrow('optim.polynomialSchedule: steps is 0 and must be an integer from 1');
  expect(() => polynomialSchedule(1, 2, { power: 0 })).toThrow('power is 0 and must be a positive number');
});

test('exponentialDecaySchedule', () => {
  expect([0, 1, 2].map(exponentialDecaySchedule(8, 0.5))).toBeAllClose([8, 4, 2]);
  expect([0, 5, 10].map(exponentialDecaySchedule(8, 0.25, { steps: 10 }))).toBeAllClose([8, 4, 2]);
  expect(() => exponentialDecaySchedule(1, -0.5)).toThrow('optim.exponentialDecaySchedule: rate is -0.5');
});

test('powerDecaySchedule', () => {
  expect([0, 1, 3].map(powerDecaySchedule(0.1, { power: 0.5 }))).toBeAllClose([0.1, 0.1 / Math.SQRT2, 0.05]);
  expect([0, 30].map(powerDecaySchedule(0.1, { power: 1, offset: 10 }))).toBeAllClose([0.1, 0.025]);
  expect(() => powerDecaySchedule(0.1, { offset: 0 })).toThrow('optim.powerDecaySchedule: offset is 0');
});

test('sequenceSchedules counts the steps of the second from its start', () => {
  const warmup = sequenceSchedules(polynomialSchedule(0, 2, { final: 1 }), 2, exponentialDecaySchedule(1, 0.5));
  expect([0, 1, 2, 3, 4].map(warmup)).toBeAllClose([0, 0.5, 1, 0.5, 0.25]);
  expect(() => sequenceSchedules(warmup, 1.5, warmup)).toThrow('optim.sequenceSchedules: steps is 1.5');
});

test('options that do not exist, and a number in the place of options', () => {
  expect(() => cosineDecaySchedule(1, 10, { end: 0 } as never)).toThrow(
    'optim.cosineDecaySchedule: there is no option end; there are final',
  );
  expect(() => polynomialSchedule(1, 10, 0.1 as never)).toThrow(
    'optim.polynomialSchedule: the options are 0.1 and must be an object with final, power',
  );
  expect(() => exponentialDecaySchedule(1, 0.9, { step: 2 } as never)).toThrow('there is no option step');
  expect(() => powerDecaySchedule(1, { gamma: 1 } as never)).toThrow(
    'there is no option gamma; there are power, offset',
  );
});
