// The hyper-parameters of all samplers: schedules, tensors, overrides, defaults and what is refused.
import { vmap } from '@posteriors/autodiff';
import { setBackend } from '@posteriors/backend';
import { key as toKey } from '@posteriors/random';
import type { HyperParameter } from '@posteriors/transform';
import { map } from '@posteriors/tree';
import * as tf from '@tensorflow/tfjs-core';
import { beforeEach, describe, expect, test } from 'vitest';
import { logQuadratic, start } from './quadratic.ts';
import { type Hyper, type Name, names, pick, read, samplers, standard, takes, updated, withBeta } from './samplers.ts';

beforeEach(() => setBackend('cpu'));

const defaults = { alpha: 0.01, beta: 0, sigma: 1, temperature: 1 };
const numbers = { learningRate: 0.1, alpha: 0.7, beta: 0.25, sigma: 1.5, temperature: 0.5 };
const params = (): tf.Tensor => tf.tensor1d(start);

describe.each(names)('%s', (name) => {
  const { build, init, update } = samplers[name];

  test('schedules are called with 0, 1, 2, ... and give what numbers give', () => {
    const steps: [string, number][] = [];
    const schedule =
      (option: string, f: (step: number) => number): HyperParameter =>
      (step) => {
        steps.push([option, step]);
        return f(step);
      };
    const rate = (step: number): number => 0.1 / (step + 1);
    const heat = (step: number): number => 0.5 ** step;
    const momenta = pick(name, { momenta: 0.5 });
    const scheduled = build(logQuadratic, {
      learningRate: schedule('learningRate', rate),
      temperature: schedule('temperature', heat),
      ...momenta,
    });
    const fixed = build(logQuadratic, { learningRate: 1, ...momenta });
    let state = scheduled.init(params(), { seed: 5 });
    let expected = fixed.init(params(), { seed: 5 });
    steps.length = 0;
    for (let step = 0; step < 3; step++) {
      [state] = scheduled.update(state, null);
      [expected] = fixed.update(expected, null, { hyper: { learningRate: rate(step), temperature: heat(step) } });
      expect(read(state)).toEqual(read(expected));
    }
    for (const option of ['learningRate', 'temperature']) {
      expect(steps.flatMap(([called, step]) => (called === option ? [step] : []))).toEqual([0, 1, 2]);
    }
  });

  test('scalar tensors give what numbers give, and none recompiles', () => {
    let traces = 0;
    const counted: typeof logQuadratic = (theta) => {
      traces++;
      return logQuadratic(theta);
    };
    const own = pick(name, numbers);
    const tensors = map((x: number) => tf.scalar(x), own);
    const [byNumbers, byTensors] = [own, tensors].map((hyper) => {
      const transform = build(counted, hyper);
      const { key: _, ...fields } = updated(transform, transform.init(params(), { seed: 6 }), 4);
      return { ...fields };
    });
    expect(byTensors).toBeAllClose(byNumbers, { rtol: 1e-6 });
    expect(traces).toBe(2); // One program, traced twice to see that it is pure.
  });

  test('vmap over temperatures equals separate runs', () => {
    const temperatures = [0.1, 0.25, 1];
    const transform = build(logQuadratic, pick<unknown>(name, { ...numbers, momenta: 0.3 }) as Hyper);
    const state = transform.init(params(), { seed: 7 });
    const run = (temperature: number | tf.Tensor) => {
      const once = transform.update(state, null, { hyper: { temperature } })[0];
      const { params, momenta, xi, logPosterior } = transform.update(once, null, { hyper: { temperature } })[0];
      const fields = { params, momenta, xi, logPosterior };
      return Object.fromEntries(Object.entries(fields).filter((entry): entry is [string, tf.Tensor] => !!entry[1]));
    };
    const all = vmap(run)(tf.tensor1d(temperatures));
    const each = temperatures.map(run);
    for (const field of Object.keys(all)) {
      expect(all[field]).toBeAllClose(tf.stack(each.map((one) => one[field] as tf.Tensor)));
    }
    expect(each[0]?.params?.arraySync()).not.toEqual(each[2]?.params?.arraySync());
  });

  test('those given to update replace those of build for that call, and the others stay', () => {
    const own = pick(name, { ...numbers, momenta: 0.3 });
    const transform = build(logQuadratic, own);
    const other = build(logQuadratic, { ...own, learningRate: 0.2 });
    const state = transform.init(params(), { seed: 8 });
    const overridden = transform.update(state, null, { hyper: { learningRate: 0.2 } })[0];
    expect(read(overridden)).toEqual(read(other.update(state, null)[0]));
    expect(read(overridden)).not.toEqual(read(transform.update(state, null)[0]));
  });

  test('an object of them that changes between two updates is read anew', () => {
    const hyper = { ...pick(name, numbers) };
    const state = init(params(), { seed: 8 });
    const at = (learningRate: number): object => {
      hyper.learningRate = learningRate;
      return read(update(state, null, logQuadratic, hyper)[0]);
    };
    const [first, second, again] = [at(0.1), at(0.2), at(0.1)];
    expect(second).toEqual(read(update(state, null, logQuadratic, { ...hyper, learningRate: 0.2 })[0]));
    expect(second).not.toEqual(first);
    expect(again).toEqual(first);
    expect(() => at(-1)).toThrow('learningRate is -1 and must be a number that is not negative');
    expect(() => at(Number.NaN)).toThrow('learningRate is NaN');
    delete (hyper as { learningRate?: number }).learningRate;
    expect(() => update(state, null, logQuadratic, hyper)).toThrow('learningRate is undefined');
  });

  test('the functions of the module equal those of build, with the same defaults', () => {
    const hyper = pick(name, { learningRate: 0.1, sigma: 1.5, temperature: 0.5 });
    const transform = build(logQuadratic, hyper);
    const built = transform.init(params(), { seed: 9 });
    const { sigma, temperature } = hyper as { sigma?: number; temperature: number };
    const own = init(params(), { seed: 9, ...(sigma === undefined ? {} : { sigma, temperature }) });
    expect(read(own)).toEqual(read(built));
    const [next] = update(own, null, logQuadratic, hyper);
    expect(read(next)).toEqual(read(transform.update(built, null)[0]));
    const [full] = update(own, null, logQuadratic, { ...pick(name, defaults), ...hyper });
    expect(read(full)).toEqual(read(next));
    const changed = { learningRate: 0.2, temperature: 0.1 };
    const [replaced] = update(own, null, logQuadratic, hyper, { hyper: changed });
    expect(read(replaced)).toEqual(read(update(own, null, logQuadratic, { ...hyper, ...changed })[0]));
    expect(read(replaced)).not.toEqual(read(next));
  });

  test('wrong ones are refused before anything runs, and the state can go on', () => {
    const transform = build(logQuadratic, { learningRate: 0.1, temperature: 0.5 });
    const state = transform.init(params(), { seed: 10 });
    const before = read(state);
    const live = tf.memory().numTensors;
    const vector = tf.tensor1d([1, 2]);
    const wrong: [option: string, value: unknown, says: string][] = [
      ['learningRate', -0.1, 'is -0.1 and must be a number that is not negative'],
      ['learningRate', undefined, 'is undefined and must be a number that is not negative'],
      ['learningRate', () => Number.NaN, 'is NaN and must be a number that is not negative'],
      ['learningRate', '0.1', 'is 0.1 and must be a number that is not negative'],
      ['sigma', 0, 'is 0 and must be a positive number'],
      ['alpha', -1, 'is -1 and must be a number that is not negative'],
      ['beta', Number.NaN, 'is NaN and must be a number that is not negative'],
      ['temperature', Infinity, 'is Infinity and must be a number that is not negative'],
      ['temperature', vector, 'has shape [2] and must be a scalar'],
    ];
    for (const [option, value, says] of wrong.filter(([option]) => takes[name].includes(option))) {
      for (const inplace of [false, true]) {
        const hyper = { [option]: value } as Hyper;
        expect(() => transform.update(state, null, { hyper, inplace })).toThrow(
          `sgmcmc.${name}.update: ${option} ${says}`,
        );
      }
    }
    vector.dispose();
    expect(tf.memory().numTensors).toBe(live);
    expect(read(state)).toEqual(before);
    expect(transform.update(state, null)[0].step).toBe(1);
  });

  test('build refuses options that do not exist, or none', () => {
    expect(() => build(standard, { learningRate: 0.1, lr: 0.1 })).toThrow(
      `sgmcmc.${name}.build: there is no option lr; there are ${takes[name].join(', ')}`,
    );
    expect(() => build(standard, undefined as never)).toThrow(`sgmcmc.${name}.build: the options are undefined`);
  });

  test('build refuses values that are wrong from the start, and takes schedules of which they are not known', () => {
    const make = (hyper: object) => () => build(logQuadratic, hyper as Hyper);
    const wrong: [option: string, value: unknown, says: string][] = [
      ['learningRate', -1, 'is -1 and must be a number that is not negative'],
      ['learningRate', undefined, 'is undefined and must be a number that is not negative'],
      ['learningRate', tf.ones([2]), 'has shape [2] and must be a scalar'],
      ['sigma', 0, 'is 0 and must be a positive number'],
      ['temperature', Number.NaN, 'is NaN and must be a number that is not negative'],
    ];
    for (const [option, value, says] of wrong.filter(([option]) => takes[name].includes(option))) {
      expect(make({ learningRate: 0.1, [option]: value })).toThrow(`sgmcmc.${name}.build: ${option} ${says}`);
      expect(make({ learningRate: 0.1, [option]: () => value })).not.toThrow();
    }
    expect(make({})).toThrow(`sgmcmc.${name}.build: learningRate is undefined and must be`);
    const negative = make({ learningRate: 1, beta: 1e6 });
    if (takes[name].includes('beta')) expect(negative).toThrow(`sgmcmc.${name}.build: the noise variance is negative`);
  });

  test('a key that is given decides the numbers, as the seed it is the key of', () => {
    const transform = build(standard, { learningRate: 0.1 });
    const [bySeed, byKey] = [{ seed: 42 }, { key: toKey(42) }].map((options) =>
      updated(transform, transform.init(tf.ones([4]), options), 2),
    );
    expect(read(byKey as object)).toEqual(read(bySeed as object));
  });
});

const still = names.filter((name) => name !== 'sglrw');

test.each(still.flatMap((name) => (['cpu', 'wasm'] as const).map((device) => [name, device] as const)))(
  '%s stands still in a step of a schedule that is 0, on %s',
  async (name, device) => {
    await setBackend(device);
    const warmUp = (step: number): number => step / 10;
    const transform = samplers[name].build(logQuadratic, pick(name, { learningRate: warmUp, momenta: 0.3 }));
    const state = transform.init(params(), { seed: 0 });
    const [same] = transform.update(state, null);
    const numbersOf = ({ params, momenta, xi }: typeof state) => [params, momenta, xi].map((each) => each?.arraySync());
    expect(numbersOf(same)).toEqual(numbersOf(state));
    expect(same.logPosterior).toBeAllClose(logQuadratic(state.params)[0]);
    expect(numbersOf(transform.update(same, null)[0])).not.toEqual(numbersOf(state));
  },
);

describe('a negative noise variance', () => {
  const friction = (name: Name): string => (takes[name].includes('alpha') ? '2 alpha = 0.02' : '2');
  const beta = (name: Name): number => (takes[name].includes('alpha') ? 1 : 50);
  const where = { baoa: '', sghmc: 'momenta', sgld: 'params', sglrw: '', sgnht: 'momenta' };

  test.each(withBeta)(
    '%s refuses it where all are numbers, and the state stays usable (guards against posteriors 0.1.2, where parameters become complex)',
    (name) => {
      const transform = samplers[name].build(logQuadratic, { learningRate: 0.1, temperature: 0.5 });
      const state = transform.init(params(), { seed: 0 });
      const loss = 0.5 * 0.1 * beta(name);
      const says = `sgmcmc.${name}.update: the noise variance is negative: ${friction(name)} is below temperature * learningRate * beta = ${loss}. Lower beta or the learning rate`;
      for (const inplace of [false, true]) {
        expect(() => transform.update(state, null, { hyper: { beta: beta(name) }, inplace })).toThrow(says);
      }
      expect(transform.update(state, null)[0].step).toBe(1);
    },
  );

  test.each(withBeta)('%s finds it in the new state where one is a tensor, whose value is not read', (name) => {
    const transform = samplers[name].build(logQuadratic, { learningRate: 0.1, temperature: 0.5 });
    const state = transform.init(params(), { seed: 0 });
    const hyper = { beta: tf.scalar(beta(name)) };
    expect(() => transform.update(state, null, { hyper })).toThrow(
      new RegExp(`element 0 of ${where[name]} is NaN at step 0\\..* or its noise variance negative`),
    );
    const [next] = transform.update(state, null, { hyper, check: false });
    const broken = (next as unknown as { [field: string]: tf.Tensor })[where[name]];
    expect([...(broken as tf.Tensor).dataSync()].every(Number.isNaN)).toBe(true);
  });

  test.each(withBeta)('%s takes a variance of 0 and adds no noise', (name) => {
    const [learningRate, alpha] = [0.5, 0.25];
    const most = takes[name].includes('alpha') ? 1 : 4;
    const options = pick(name, { learningRate, alpha, momenta: 0.3 });
    const state = samplers[name].build(logQuadratic, options).init(params(), { seed: 0 });
    const [exact, cold] = [{ beta: most }, { temperature: 0 }].map((more) => {
      const { params, momenta } = samplers[name].build(logQuadratic, { ...options, ...more }).update(state, null)[0];
      return [params.arraySync(), momenta?.arraySync()];
    });
    expect(exact).toEqual(cold);
  });
});

describe('sglrw', () => {
  const { build, init, update } = samplers.sglrw;

  test('refuses a learning rate or a temperature of 0 and says what takes one', () => {
    const state = init(params(), { seed: 0 });
    const says =
      'sgmcmc.sglrw.update: temperature is 0 and must be positive, as the steps of the walk have the length √(2 temperature learningRate); sgld and baoa take a 0';
    expect(() => update(state, null, logQuadratic, { learningRate: 0.1, temperature: 0 })).toThrow(says);
    const cooling = build(logQuadratic, { learningRate: 0.1, temperature: (step: number) => 1 - step });
    const [next] = cooling.update(state, null);
    expect(() => cooling.update(next, null, { inplace: true })).toThrow(says);
    expect(next.step).toBe(1);
    for (const hyper of [{ learningRate: 0 }, { learningRate: 0.1, temperature: 0 }]) {
      expect(() => build(logQuadratic, hyper)).toThrow(/^sgmcmc.sglrw.build: [a-zA-Z]+ is 0 and must be positive, as/);
    }
    expect(() => update(state, null, logQuadratic, { learningRate: 0 })).toThrow('learningRate is 0 and must be positive'); // biome-ignore format: one line
  });

  test('stays in place at a temperature of 0 that is a tensor', () => {
    const hyper = { learningRate: 0.1, temperature: tf.scalar(0) };
    expect(update(init(params(), { seed: 0 }), null, logQuadratic, hyper)[0].params).toBeAllClose(start);
  });
});
