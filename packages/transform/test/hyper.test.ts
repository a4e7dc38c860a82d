import '@posteriors/backend/cpu';
import { setBackend } from '@posteriors/backend';
import { scalar, tensor1d } from '@tensorflow/tfjs-core';
import { expect, test, vi } from 'vitest';
import { atStep, checkConstants, checkHyper, notNegative, positive } from '../src/index.ts';

await setBackend('cpu');

test('atStep calls schedules with the step and leaves numbers and tensors as they are', () => {
  const schedule = vi.fn((step: number) => 2 * step);
  const temperature = scalar(0.5);
  expect(atStep({ learningRate: schedule, alpha: 3, temperature }, 4)).toEqual({
    learningRate: 8,
    alpha: 3,
    temperature,
  });
  expect(schedule.mock.calls).toEqual([[4]]);
});

test('checkHyper names the function, the hyper-parameter, its value and what it must be', () => {
  const check =
    (rate: unknown, alpha: unknown = 0) =>
    () =>
      checkHyper('f', { rate, alpha } as { rate: number; alpha: number }, { rate: positive, alpha: notNegative });
  expect(check(0.1)).not.toThrow();
  expect(check(0.1, 2)).not.toThrow();
  expect(check(scalar(-1))).not.toThrow(); // What is on the device is not read.
  for (const wrong of [0, -1, Infinity, Number.NaN, undefined, null, '1', true]) {
    expect(check(wrong)).toThrow(`f: rate is ${wrong} and must be a positive number`);
  }
  for (const wrong of [-1, Infinity, Number.NaN, '0']) {
    expect(check(1, wrong)).toThrow(`f: alpha is ${wrong} and must be a number that is not negative`);
  }
  expect(check(tensor1d([1, 2]))).toThrow('f: rate has shape [2] and must be a scalar');
  expect(check(scalar(1, 'int32'))).toThrow('f: rate is int32 and must be float32');
});

test('checkConstants checks what is known before the first step', () => {
  const check = (hyper: object) => () => checkConstants<{ a: number; b: number }>('f', hyper, { a: positive, b: notNegative }); // biome-ignore format: one line
  expect(check({ a: 1, b: () => -1 })).not.toThrow();
  expect(check({ a: () => -1, b: -1 })).toThrow('f: b is -1 and must be a number that is not negative');
  expect(check({ b: 0 })).toThrow('f: a is undefined and must be a positive number');
});
