// What the families share: the estimate of the NELBO, the step, and what is refused.
import '@posteriors/backend/cpu';
import { grad, vmap } from '@posteriors/autodiff';
import { setBackend } from '@posteriors/backend';
import * as optim from '@posteriors/optim';
import { foldIn, keyTensor, split, key as toKey } from '@posteriors/random';
import { expectNoLeak } from '@posteriors/testing';
import { disposeTensors } from '@posteriors/transform';
import { map, ravel, type TensorTree } from '@posteriors/tree';
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { families, type LogProb, mean, numberOf, type State, sds, type Theta, target } from './families.ts';

beforeEach(() => setBackend('cpu'));
afterEach(() => {
  vi.restoreAllMocks();
});

const values = (tree: unknown): unknown =>
  map((leaf: unknown) => (leaf instanceof tf.Tensor ? leaf.arraySync() : leaf), tree as never);

describe.each(families)('$name', (family) => {
  const { name, field, small } = family;
  const spread = family.ofSds(sds);
  const wide = family.ofSds(map((sd: tf.Tensor) => tf.mul(2, sd), sds));
  const makeParams = (): Theta => ({ a: tf.tensor2d([[0, 0, 0]]), b: tf.scalar(1) });

  describe('nelbo', () => {
    test.each([1, 4, 50])('is 0 to rounding where q is a normalised target, with %i draws', (nSamples) => {
      for (const stl of [true, false]) {
        const [value] = family.nelbo(mean, spread, null, target, { nSamples, stl, seed: 1 });
        expect(value).toBeAllClose(0, { atol: 4e-6 });
        const [worse] = family.nelbo(mean, wide, null, target, { nSamples, stl, seed: 1 });
        expect(numberOf(worse)).toBeGreaterThan(0.1);
      }
    });

    test('has the same value with and without sticking the landing', () => {
      const all = [true, false].map((stl) =>
        numberOf(family.nelbo(mean, spread, null, target, { stl, seed: 4, temperature: 0.5 })[0]),
      );
      expect(all[0]).toBe(all[1]);
    });

    test('has aux of each draw in front, by another key each', () => {
      const [, single] = family.nelbo(mean, spread, null, target, { seed: 3 });
      expect([single.theta.a.shape, single.theta.b.shape, single.key.shape]).toEqual([[1, 3], [], [2]]);
      const [four, { theta, key }] = family.nelbo(mean, spread, null, target, { seed: 3, nSamples: 4, temperature: 0 });
      expect([theta.a.shape, theta.b.shape, key.shape]).toEqual([[4, 1, 3], [4], [4, 2]]);
      expect(new Set(theta.b.dataSync()).size).toBe(4);
      expect(new Set((key.arraySync() as number[][]).map(String)).size).toBe(4);
      const each = [0, 1, 2, 3].map((i) => ({ a: tf.gather(theta.a, i), b: tf.gather(theta.b, i) }));
      const logPs = each.map((draw) => target(draw, null, { key } as never)[0]);
      expect(four).toBeAllClose(tf.neg(tf.mean(tf.stack(logPs))));
    });

    test('takes the temperature as a scalar tensor too, which vmap maps over', () => {
      const at = (temperature: number | tf.Tensor): tf.Tensor =>
        family.nelbo(mean, spread, null, target, { seed: 5, temperature })[0];
      const temperatures = [0, 0.5, 2];
      const all = vmap((temperature: tf.Tensor) => at(temperature))(tf.tensor1d(temperatures));
      expect(all).toBeAllClose(tf.stack(temperatures.map(at)), { atol: 1e-5 });
      const [cold, , hot] = temperatures.map((temperature) => numberOf(at(temperature))) as [number, number, number];
      // T log q - log p is linear in T, and at T = 1 it is 0 here.
      expect((hot + cold) / 2).toBeCloseTo(0, 4);
      expect(Math.abs(cold)).toBeGreaterThan(0.1);
    });

    test('draws by its seed, and anew without one', () => {
      const draw = (options: object) => family.nelbo(mean, wide, null, target, options)[1].theta.b.dataSync()[0];
      expect(draw({ seed: 6 })).toBe(draw({ key: toKey(6) }));
      expect(draw({ seed: 6 })).not.toBe(draw({ seed: 7 }));
      expect(draw({})).not.toBe(draw({}));
    });

    test('refuses what it cannot use', () => {
      const call = (options: object) => () => family.nelbo(mean, spread, null, target, options);
      expectNoLeak(() => {
        expect(call({ nSamples: 0 })).toThrow(`${name}.nelbo: nSamples is 0 and must be a whole number from 1`);
        expect(call({ nSamples: 1.5 })).toThrow(`${name}.nelbo: nSamples is 1.5 and must be a whole number from 1`);
        expect(call({ temperature: -1 })).toThrow(
          `${name}.nelbo: temperature is -1 and must be a number that is not negative`,
        );
        const scalarOnly = ((theta: Theta) => tf.sum(theta.a)) as never;
        expect(() => family.nelbo(mean, spread, null, scalarOnly)).toThrow(
          `${name}.nelbo: the function must return [value, aux]`,
        );
      });
    });
  });

  describe('at the optimum of a diagonal target', () => {
    test('the stick-the-landing gradient is below 1e-5 of the plain gradient’s standard deviation in each of 1,000 draws', () => {
      const held = family.field === 'logSdDiag' ? map((sd: tf.Tensor) => tf.log(sd), sds) : spread;
      const keys = keyTensor(split(toKey(8), 1000));
      const gradients = (stl: boolean) =>
        vmap((key: tf.Tensor) => {
          const { mean: m, moved } = grad(
            (q: { mean: Theta; moved: TensorTree }) =>
              family.nelbo(q.mean, family.ofMoved(q.moved), null, target, { key, stl })[0],
          )({ mean, moved: held });
          return { mean: ravel(m).flat as tf.Tensor, moved: ravel(moved).flat as tf.Tensor };
        })(keys);
      const [stuck, plain] = [gradients(true), gradients(false)];
      for (const part of ['mean', 'moved'] as const) {
        const deviation = tf.sqrt(tf.moments(plain[part], 0).variance);
        const ratio = tf.max(tf.div(tf.max(tf.abs(stuck[part]), 0), deviation));
        expect(numberOf(ratio)).toBeLessThan(1e-5);
        expect(numberOf(tf.min(deviation))).toBeGreaterThan(0.1);
      }
    });
  });

  describe('update', () => {
    const learningRate = 0.1;
    const options = { temperature: 0.5, ...small };

    test.each([1, 3])('goes down the gradient of the NELBO by mean and spread, with %i draws', (nSamples) => {
      const transform = family.build(target, optim.sgd({ learningRate }), { ...options, nSamples });
      const state = transform.init(makeParams(), { seed: 1 });
      expect(state.nelbo.dataSync()[0]).toBeNaN();
      const [next, aux] = transform.update(state, null);
      const key = foldIn(state.key, 0);
      const at = [state.params, state[field] as TensorTree] as const;
      const loss = ([mu, moved]: typeof at) =>
        family.nelbo(mu, family.ofMoved(moved), null, target, { key, nSamples, temperature: 0.5 });
      const [value, expected] = loss(at);
      expect(next.nelbo).toBeAllClose(value);
      expect(aux.theta).toBeAllClose(expected.theta);
      const slope = grad((q: typeof at) => loss(q)[0])(at);
      const moved = map((leaf: tf.Tensor, g: tf.Tensor) => tf.sub(leaf, tf.mul(learningRate, g)), at, slope);
      expect([next.params, next[field] as TensorTree]).toBeAllClose([...moved]);
      expect(next.step).toBe(1);
    });

    test('minimises with the optimiser it is given, whose schedule sees the steps', () => {
      const steps: number[] = [];
      const schedule = (step: number) => {
        steps.push(step);
        return 0.1 / (step + 1);
      };
      const optimizers = {
        sgd: optim.sgd({ learningRate: 0.0005, momentum: 0.5 }),
        adam: optim.adam({ learningRate: schedule }),
        adamw: optim.adamw({ learningRate: 0.05 }),
      };
      for (const optimizer of Object.values(optimizers)) {
        const transform = family.build(target, optimizer, small);
        const state = transform.init({ a: tf.tensor2d([[3, 1, 2]]), b: tf.scalar(2) }, { seed: 2 });
        const value = (): number => {
          const at = family.ofMoved(state[field] as TensorTree);
          return numberOf(family.nelbo(state.params, at, null, target, { nSamples: 20, seed: 0 })[0]);
        };
        const before = value();
        steps.length = 0;
        for (let i = 0; i < 20; i++) transform.update(state, null, { inplace: true });
        expect(value()).toBeLessThan(before);
        if (optimizer === optimizers.adam) expect(steps).toEqual(Array.from({ length: 20 }, (_, i) => i));
      }
    });

    test('the state of the optimiser is kept, in place as well (guards against posteriors 0.1.2, which loses it in place)', () => {
      const transform = family.build(target, optim.adam({ learningRate: 0.05 }), small);
      const [pure, inplace] = [1, 1].map((seed) => transform.init(makeParams(), { seed })) as [State, State];
      let state = pure;
      const started = values(pure.optState);
      for (let i = 0; i < 5; i++) {
        state = transform.update(state, null)[0];
        transform.update(inplace, null, { inplace: true });
      }
      expect(values(inplace)).toEqual(values(state));
      expect(values(inplace.optState)).not.toEqual(started);
      expect(values(pure.optState)).toEqual(started);
    });

    test('the temperature may be a schedule or a tensor, and be replaced for one call', () => {
      const steps: number[] = [];
      const temperature = (step: number) => {
        steps.push(step);
        return 0.5 / (step + 1);
      };
      const optimizer = optim.sgd({ learningRate: 0.01 });
      const scheduled = family.build(target, optimizer, { ...small, temperature });
      const fixed = family.build(target, optimizer, { ...small, temperature: 3 });
      let [state, expected] = [scheduled, fixed].map((each) => each.init(makeParams(), { seed: 3 })) as [State, State];
      for (const [step, given] of [0.5, tf.scalar(0.25), 0.5 / 3].entries()) {
        state = scheduled.update(state, null)[0];
        expected = fixed.update(expected, null, { hyper: { temperature: given } })[0];
        expect(state[field]).toBeAllClose(expected[field] as TensorTree, { rtol: 1e-6 });
        expect(steps).toEqual(Array.from({ length: step + 1 }, (_, i) => i));
      }
      expect(fixed.update(state, null)[0].nelbo).not.toBeAllClose(scheduled.update(state, null)[0].nelbo);
    });

    test('the functions of the module equal those of build, with the same defaults', () => {
      vi.spyOn(console, 'warn').mockImplementation(() => {});
      const optimizer = optim.adam();
      const transform = family.build(target, optimizer);
      const built = transform.init(makeParams(), { seed: 4 });
      const own = family.init(makeParams(), optimizer, { seed: 4 });
      expect(values(own)).toEqual(values(built));
      const [next] = family.update(own, null, target, optimizer);
      expect(values(next)).toEqual(values(transform.update(built, null)[0]));
      const [full] = family.update(own, null, target, optimizer, { temperature: 1, nSamples: 1, stl: true });
      expect(values(full)).toEqual(values(next));
      const [plain] = family.update(own, null, target, optimizer, { stl: false });
      expect(values(plain)).not.toEqual(values(next));
      const [cold] = family.update(own, null, target, optimizer, { temperature: 0.25 });
      const replacing = { hyper: { temperature: 0.25 } };
      const [replaced] = family.update(own, null, target, optimizer, { temperature: 1 }, replacing);
      expect(values(replaced)).toEqual(values(cold));
      expect(values(replaced)).not.toEqual(values(next));
    });

    test('refuses wrong hyper-parameters, and the state can go on', () => {
      const optimizer = optim.sgd({ learningRate: (step) => (step === 0 ? 0.1 : Number.NaN) });
      const transform = family.build(target, optimizer, options);
      const state = transform.init(makeParams(), { seed: 5 });
      const update = (hyper: object) => () => transform.update(state, null, { hyper, inplace: true });
      for (const temperature of [-1, Number.NaN]) {
        expect(update({ temperature })).toThrow(
          `${name}.update: temperature is ${temperature} and must be a number that is not negative`,
        );
      }
      expect(update({ temperature: tf.tensor1d([1]) })).toThrow(
        `${name}.update: temperature has shape [1] and must be a scalar`,
      );
      expect(() => family.update(state, null, target, optimizer, { nSamples: -1 })).toThrow(
        `${name}.update: nSamples is -1 and must be a whole number from 1`,
      );
      expect(state.step).toBe(0);
      transform.update(state, null, { inplace: true });
      expect(() => transform.update(state, null)).toThrow(
        `${name}.update: optim.sgd: learningRate is NaN and must be a number that is not negative`,
      );
      expect(state.step).toBe(1);
    });
  });

  describe('sample', () => {
    const state = family.init({ a: tf.tensor1d([1, -2]), b: tf.scalar(3) }, optim.adam(), { ...small, seed: 1 });

    test('has the shape asked for in front of that of each parameter (guards against posteriors 0.1.2, where dense draws fail for none and for two axes)', () => {
      const shapes = (sampleShape?: number[]) => {
        const drawn = family.sample(state, { seed: 0, ...(sampleShape ? { sampleShape } : {}) });
        return Object.values(drawn).map(({ shape }) => shape);
      };
      expect(shapes()).toEqual([[2], []]);
      expect(shapes([])).toEqual([[2], []]);
      expect(shapes([5])).toEqual([[5, 2], [5]]);
      expect(shapes([2, 3])).toEqual([[2, 3, 2], [2, 3]]); // biome-ignore format: shapes
      expect(shapes([0])).toEqual([[0, 2], [0]]);
    });

    test('repeats with a seed or a key, differs without, and never draws from the key of the state', () => {
      const draw = (options?: object) => [...family.sample(state, options).a.dataSync()];
      const keyBefore = [...(state.key as Uint32Array)];
      expect(draw({ seed: 3 })).toEqual(draw({ seed: 3 }));
      expect(draw({ seed: 3 })).toEqual(draw({ key: toKey(3) }));
      expect(draw({ seed: 3 })).not.toEqual(draw({ seed: 4 }));
      expect(draw()).not.toEqual(draw());
      expect([...(state.key as Uint32Array)]).toEqual(keyBefore);
      const parts = { params: state.params, [field]: state[field] };
      expect([...family.sample(parts, { seed: 3 }).a.dataSync()]).toEqual(draw({ seed: 3 }));
    });

    test('is reparameterised', () => {
      const slope = grad((params: Theta) => tf.sum(family.sample({ ...state, params }, { seed: 3 }).a))(state.params);
      expect(slope).toBeAllClose({ a: [1, 1], b: 0 });
      const moved = grad((held: TensorTree) =>
        tf.sum(tf.square(family.sample({ params: state.params, [field]: held }, { seed: 3 }).a)),
      )(state[field] as TensorTree);
      expect(numberOf(tf.norm(ravel(moved).flat))).toBeGreaterThan(0.1);
    });

    test('refuses a batch of keys', () => {
      const keys = keyTensor([toKey(0), toKey(1)]);
      const says = 'the key has shape [2,2] and must be a single one, of shape [2]';
      expect(() => family.sample(state, { key: keys })).toThrow(`${name}.sample: ${says}`);
      expect(() => family.nelbo(mean, spread, null, target, { key: keys })).toThrow(`${name}.nelbo: ${says}`);
      keys.dispose();
    });

    test('leaves nothing but the draws', () => {
      expectNoLeak(() => {
        disposeTensors(family.sample(state, { seed: 0, sampleShape: [3] }));
        disposeTensors(family.sample(state));
        expect(() => family.sample(state, { sampleShape: [-1] })).toThrow(
          new RegExp(`^${name.replace('.', '\\.')}\\.sample: .*shape is \\[-1`),
        );
      });
    });
  });

  test('build refuses numbers that are wrong from the start, and takes a schedule of which they are not known', () => {
    const make = (config: object) => () => family.build(target, optim.adam(), config);
    expect(make({ nSamples: 0 })).toThrow(`${name}.build: nSamples is 0 and must be a whole number from 1`);
    expect(make({ temperature: -1 })).toThrow(`${name}.build: temperature is -1 and must be a number that is not negative`); // biome-ignore format: one line
    expect(make({ temperature: tf.ones([2]) })).toThrow(`${name}.build: temperature has shape [2] and must be a scalar`); // biome-ignore format: one line
    expect(make({ temperature: () => -1 })).not.toThrow();
  });

  test('build refuses what is no optimiser and options that do not exist', () => {
    const needs = `${name}.build: the second argument must be an optimiser of @posteriors/optim`;
    const logPosterior: LogProb = target;
    expect(() => family.build(logPosterior, undefined as never)).toThrow(needs);
    expect(() => family.build(logPosterior, { minimize: () => 0 } as never)).toThrow(needs);
    expect(() => family.build(logPosterior, optim.adam(), { temprature: 1 })).toThrow(
      `${name}.build: there is no option temprature; there are temperature, nSamples, stl, ${family.option}`,
    );
  });
});
