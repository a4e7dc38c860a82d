// The warning of standard deviations of 1: by itself, as it comes once for all that is imported.
import '@posteriors/backend/cpu';
import * as optim from '@posteriors/optim';
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, expect, test, vi } from 'vitest';
import { families, type Theta, target } from './families.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

test.each(families)(
  '$name.init warns, in words and once, of standard deviations of 1, by default or asked for',
  (family) => {
    const { name, option, unit, advice, small } = family;
    const makeParams = (): Theta => ({ a: tf.tensor2d([[0, 0, 0]]), b: tf.scalar(1) });
    const optimizer = optim.adam();
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
    const init = (options?: object): void => family.init(makeParams(), optimizer, options).dispose();
    init(small);
    init({ [option]: unit + 1e-4 });
    family.build(target, optimizer);
    expect(warn).not.toHaveBeenCalled();
    for (let i = 0; i < 3; i++) init();
    for (let i = 0; i < 3; i++) init({ [option]: unit });
    family
      .build(target, optimizer, { [option]: unit })
      .init(makeParams())
      .dispose();
    family.build(target, optimizer).init(makeParams()).dispose();
    expect(warn).toHaveBeenCalledTimes(1);
    const text = warn.mock.calls[0]![0] as string;
    expect(text).toContain(
      `${name}.init: ${option} is ${unit}, so every parameter starts with a standard deviation of 1. `,
    );
    expect(text).toContain(`give ${option} about ${advice} to start from`);
  },
);
