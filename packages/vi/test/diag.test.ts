import '@posteriors/backend/cpu';
import '@posteriors/backend/wasm';
import { grad, vmap } from '@posteriors/autodiff';
import { setBackend } from '@posteriors/backend';
import { diagNormalLogProb } from '@posteriors/distributions';
import * as optim from '@posteriors/optim';
import { foldIn, keyTensor, split, key as toKey } from '@posteriors/random';
import { expectNoLeak } from '@posteriors/testing';
import { disposeTensors, type LogProbFn, run, withAux } from '@posteriors/transform';
import { map, type TensorTree } from '@posteriors/tree';
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { diag } from '../src/index.ts';

await setBackend('cpu');
beforeEach(() => setBackend('cpu'));
afterEach(() => {
  vi.restoreAllMocks();
});

type Theta = { readonly a: tf.Tensor; readonly b: tf.Tensor };

const mean: Theta = { a: tf.tensor2d([[1, -2, 0.5]]), b: tf.scalar(3) };
const sds: Theta = { a: tf.tensor2d([[0.5, 2, 1]]), b: tf.scalar(0.1) };

/** A normalised diagonal normal, written as the precisions and the constant apart. */
const target: LogProbFn<Theta, null, { theta: Theta; key: tf.Tensor }> = (theta, _, { key }) => {
  const terms = (['a', 'b'] as const).map((name) => {
    const precision = tf.pow(sds[name], -2);
    const square = tf.sum(tf.mul(precision, tf.square(tf.sub(theta[name], mean[name]))));
    return tf.sub(tf.mul(0.5, tf.sum(tf.log(tf.div(precision, 2 * Math.PI)))), tf.mul(0.5, square));
  });
  return withAux(
    terms.reduce((x, y) => tf.add(x, y)),
    { theta, key },
  );
};

const numberOf = (tensor: tf.Tensor): number => tensor.dataSync()[0] as number;
const repeat = (count: number): Iterable<null> => Array.from({ length: count }, () => null);

describe('nelbo', () => {
  test.each([1, 4, 50])('is 0 to rounding where q is a normalised target, with %i draws', (nSamples) => {
    for (const stl of [true, false]) {
      const [value] = diag.nelbo(mean, sds, null, target, { nSamples, stl, seed: 1 });
      expect(value).toBeAllClose(0, { atol: 3e-6 });
    }
  });

  test('is the Kullback-Leibler divergence from another q, to 4 standard errors', () => {
    const wrong: Theta = { a: tf.tensor2d([[0, 0, 0]]), b: tf.scalar(3.1) };
    const wide: Theta = { a: tf.tensor2d([[1, 1, 1]]), b: tf.scalar(0.2) };
    const divergence = (
      [
        [1, 0.5, 1],
        [2, 2, 1],
        [0.5, 1, 1],
        [0.1, 0.1, 0.2],
      ] as const
    ).reduce((sum, [offset, sd, qSd]) => sum + Math.log(sd / qSd) + (qSd ** 2 + offset ** 2) / (2 * sd ** 2) - 0.5, 0);
    const count = 4000;
    const keys = keyTensor(split(toKey(2), count));
    const draws = vmap((key: tf.Tensor) => diag.nelbo(wrong, wide, null, target, { key })[0])(keys);
    const { mean: average, variance } = tf.moments(draws);
    expect(divergence).toBeGreaterThan(1);
    expect(Math.abs(numberOf(average) - divergence)).toBeLessThan(4 * Math.sqrt(numberOf(variance) / count));
  });

  test('is the mean over draws of T log q - log p, with aux of each in front, by another key each', () => {
    const q: Theta = { a: tf.tensor2d([[0.3, 0.6, 0.9]]), b: tf.scalar(1) };
    const [one, single] = diag.nelbo(mean, q, null, target, { seed: 3, temperature: 0.3 });
    expect(single.theta.a.shape).toEqual([1, 3]);
    expect(single.key.shape).toEqual([2]);
    const term = (theta: Theta) =>
      tf.sub(tf.mul(0.3, diagNormalLogProb(theta, mean, q)), target(theta, null, single as never)[0]);
    expect(one).toBeAllClose(term(single.theta));

    const [four, { theta, key }] = diag.nelbo(mean, q, null, target, { seed: 3, temperature: 0.3, nSamples: 4 });
    expect([theta.a.shape, theta.b.shape, key.shape]).toEqual([[4, 1, 3], [4], [4, 2]]);
    const terms = [0, 1, 2, 3].map((i) => term({ a: tf.gather(theta.a, i), b: tf.gather(theta.b, i) }));
    expect(four).toBeAllClose(tf.mean(tf.stack(terms)));
    const drawn = theta.b.dataSync();
    expect(new Set(drawn).size).toBe(4);
    expect(new Set((key.arraySync() as number[][]).map(String)).size).toBe(4);
  });

  test('has the same value with and without sticking the landing', () => {
    const values = [true, false].map((stl) =>
      numberOf(diag.nelbo(mean, sds, null, target, { stl, seed: 4, temperature: 0.5 })[0]),
    );
    expect(values[0]).toBe(values[1]);
  });

  test('takes the temperature as a scalar tensor too, which vmap maps over', () => {
    const at = (temperature: number | tf.Tensor): tf.Tensor =>
      diag.nelbo(mean, sds, null, target, { seed: 5, temperature })[0];
    const temperatures = [0, 0.5, 2];
    const all = vmap((temperature: tf.Tensor) => at(temperature))(tf.tensor1d(temperatures));
    expect(all).toBeAllClose(tf.stack(temperatures.map(at)), { atol: 1e-5 });
    const [cold, , hot] = temperatures.map((temperature) => numberOf(at(temperature))) as [number, number, number];
    // T log q - log p is linear in T, and at T = 1 it is 0 here.
    expect((hot + cold) / 2).toBeCloseTo(0, 4);
    expect(Math.abs(cold)).toBeGreaterThan(0.1);
  });

  test('draws by its seed, and anew without one', () => {
    const q: Theta = map((sd: tf.Tensor) => tf.mul(2, sd), sds);
    const draw = (options: object) => diag.nelbo(mean, q, null, target, options)[1].theta.b.dataSync()[0];
    expect(draw({ seed: 6 })).toBe(draw({ key: toKey(6) }));
    expect(draw({ seed: 6 })).not.toBe(draw({ seed: 7 }));
    expect(draw({})).not.toBe(draw({}));
  });

  test('refuses what it cannot use', () => {
    const call =
      (options: object, sd: unknown = sds) =>
      () =>
        diag.nelbo(mean, sd as Theta, null, target, options);
    expectNoLeak(() => {
      expect(call({ nSamples: 0 })).toThrow('vi.diag.nelbo: nSamples is 0 and must be a whole number from 1');
      expect(call({ nSamples: 1.5 })).toThrow('vi.diag.nelbo: nSamples is 1.5 and must be a whole number from 1');
      expect(call({ temperature: -1 })).toThrow(
        'vi.diag.nelbo: temperature is -1 and must be a number that is not negative',
      );
      expect(call({}, { a: sds.a })).toThrow(
        /^vi\.diag\.nelbo: .*sdDiag has the structure \{a: \*\} and mean has \{a: \*, b: \*\}/,
      );
      const scalarOnly = ((theta: Theta) => tf.sum(theta.a)) as never;
      expect(() => diag.nelbo(mean, sds, null, scalarOnly)).toThrow(
        'vi.diag.nelbo: the function must return [value, aux]',
      );
    });
  });
});

describe('at the optimum of a diagonal target', () => {
  test('the stick-the-landing gradient is below 1e-5 of the plain gradient’s standard deviation in each of 1,000 draws', () => {
    const q = { mean, logSds: map((sd: tf.Tensor) => tf.log(sd), sds) };
    const keys = keyTensor(split(toKey(8), 1000));
    const gradients = (stl: boolean) =>
      vmap((key: tf.Tensor) =>
        grad(({ mean, logSds }: typeof q) => {
          const spread = map((logSd: tf.Tensor) => tf.exp(logSd), logSds);
          return diag.nelbo(mean, spread, null, target, { key, stl })[0];
        })(q),
      )(keys);
    const stuck = map((leaf: tf.Tensor) => tf.max(tf.abs(leaf), 0), gradients(true));
    const plain = map((leaf: tf.Tensor) => tf.sqrt(tf.moments(leaf, 0).variance), gradients(false));
    for (const part of ['mean', 'logSds'] as const) {
      for (const name of ['a', 'b'] as const) {
        const ratio = tf.max(tf.div(stuck[part][name], plain[part][name]));
        expect(numberOf(ratio)).toBeLessThan(1e-5);
        expect(numberOf(tf.min(plain[part][name]))).toBeGreaterThan(0.1);
      }
    }
  });
});

describe('update', () => {
  const learningRate = 0.1;
  const options = { temperature: 0.5, initLogSds: -1 };
  const params = (): Theta => ({ a: tf.tensor2d([[0, 0, 0]]), b: tf.scalar(1) });

  test.each([1, 3])('goes down the gradient of the NELBO by mean and log sd, with %i draws', (nSamples) => {
    const transform = diag.build(target, optim.sgd({ learningRate }), { ...options, nSamples });
    const state = transform.init(params(), { seed: 1 });
    expect(state.nelbo.dataSync()[0]).toBeNaN();
    const [next, aux] = transform.update(state, null);
    const key = foldIn(state.key, 0);
    const loss = ([mu, logSds]: readonly [Theta, Theta]) =>
      diag.nelbo(
        mu,
        map((logSd: tf.Tensor) => tf.exp(logSd), logSds),
        null,
        target,
        { key, nSamples, temperature: 0.5 },
      );
    const at = [state.params, state.logSdDiag] as const;
    const [value, expected] = loss(at);
    expect(next.nelbo).toBeAllClose(value);
    expect(aux.theta).toBeAllClose(expected.theta);
    const slope = grad((q: typeof at) => loss(q)[0])(at);
    const moved = map((leaf: tf.Tensor, g: tf.Tensor) => tf.sub(leaf, tf.mul(learningRate, g)), at, slope);
    expect([next.params, next.logSdDiag]).toBeAllClose([...moved]);
    expect(next.step).toBe(1);
  });

  test('minimises with the optimiser it is given, whose schedule sees the steps', () => {
    const steps: number[] = [];
    const schedule = (step: number) => {
      steps.push(step);
      return 0.1 / (step + 1);
    };
    const optimizers = {
      sgd: optim.sgd({ learningRate: 0.01, momentum: 0.5 }),
      adam: optim.adam({ learningRate: schedule }),
      adamw: optim.adamw({ learningRate: 0.05 }),
    };
    for (const optimizer of Object.values(optimizers)) {
      const transform = diag.build(target, optimizer, { initLogSds: -1 });
      const state = transform.init({ a: tf.tensor2d([[3, 1, 2]]), b: tf.scalar(2) }, { seed: 2 });
      const value = (): number =>
        numberOf(
          diag.nelbo(
            state.params,
            map((s: tf.Tensor) => tf.exp(s), state.logSdDiag),
            null,
            target,
            { nSamples: 20, seed: 0 },
          )[0],
        );
      const before = value();
      steps.length = 0;
      for (let i = 0; i < 20; i++) transform.update(state, null, { inplace: true });
      expect(value()).toBeLessThan(before);
      if (optimizer === optimizers.adam) expect(steps).toEqual(Array.from({ length: 20 }, (_, i) => i));
    }
  });

  test('the temperature may be a schedule or a tensor, and be replaced for one call', () => {
    const steps: number[] = [];
    const temperature = (step: number) => {
      steps.push(step);
      return 0.5 / (step + 1);
    };
    const optimizer = optim.sgd({ learningRate: 0.01 });
    const scheduled = diag.build(target, optimizer, { initLogSds: -1, temperature });
    const fixed = diag.build(target, optimizer, { initLogSds: -1, temperature: 3 });
    let [state, expected] = [scheduled, fixed].map((transform) => transform.init(params(), { seed: 3 })) as [
      diag.State<Theta>,
      diag.State<Theta>,
    ];
    for (const [step, given] of [0.5, tf.scalar(0.25), 0.5 / 3].entries()) {
      state = scheduled.update(state, null)[0];
      expected = fixed.update(expected, null, { hyper: { temperature: given } })[0];
      expect(state.logSdDiag).toBeAllClose(expected.logSdDiag, { rtol: 1e-6 });
      expect(steps).toEqual(Array.from({ length: step + 1 }, (_, i) => i));
    }
    expect(fixed.update(state, null)[0].nelbo).not.toBeAllClose(scheduled.update(state, null)[0].nelbo);
  });

  test('the functions of the module equal those of build, with the same defaults', () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
    const optimizer = optim.adam();
    const transform = diag.build(target, optimizer);
    const built = transform.init(params(), { seed: 4 });
    const own = diag.init(params(), optimizer, { seed: 4 });
    expect(warn).toHaveBeenCalledTimes(2);
    const values = (state: diag.State<Theta>) =>
      map((leaf: unknown) => (leaf instanceof tf.Tensor ? leaf.arraySync() : leaf), state as unknown);
    expect(values(own)).toEqual(values(built));
    const [next] = diag.update(own, null, target, optimizer);
    expect(values(next)).toEqual(values(transform.update(built, null)[0]));
    const [full] = diag.update(own, null, target, optimizer, { temperature: 1, nSamples: 1, stl: true });
    expect(values(full)).toEqual(values(next));
    const [plain] = diag.update(own, null, target, optimizer, { stl: false });
    expect(values(plain)).not.toEqual(values(next));
    const [cold] = diag.update(own, null, target, optimizer, { temperature: 0.25 });
    const [replaced] = diag.update(own, null, target, optimizer, { temperature: 1 }, { hyper: { temperature: 0.25 } });
    expect(values(replaced)).toEqual(values(cold));
    expect(values(replaced)).not.toEqual(values(next));
  });

  test('refuses wrong hyper-parameters, and the state can go on', () => {
    const optimizer = optim.sgd({ learningRate: (step) => (step === 0 ? 0.1 : Number.NaN) });
    const transform = diag.build(target, optimizer, options);
    const state = transform.init(params(), { seed: 5 });
    const update = (hyper: unknown) => () =>
      transform.update(state, null, { hyper: hyper as diag.Hyper, inplace: true });
    expect(update({ temperature: -1 })).toThrow(
      'vi.diag.update: temperature is -1 and must be a number that is not negative',
    );
    expect(update({ temperature: Number.NaN })).toThrow(
      'vi.diag.update: temperature is NaN and must be a number that is not negative',
    );
    expect(update({ temperature: tf.tensor1d([1]) })).toThrow(
      'vi.diag.update: temperature has shape [1] and must be a scalar',
    );
    expect(() => diag.update(state, null, target, optimizer, { nSamples: -1 })).toThrow(
      'vi.diag.update: nSamples is -1 and must be a whole number from 1',
    );
    expect(state.step).toBe(0);
    transform.update(state, null, { inplace: true });
    expect(() => transform.update(state, null)).toThrow(
      'vi.diag.update: optim.sgd: learningRate is NaN and must be a number that is not negative',
    );
    expect(state.step).toBe(1);
  });
});

describe('init', () => {
  const params: Theta = { a: tf.tensor2d([[0, 0, 0]]), b: tf.scalar(1) };
  const optimizer = optim.adam();

  test('takes log sds as a number or as a tree, and leaves what it was given to the caller', () => {
    const byNumber = diag.init(params, optimizer, { initLogSds: -3, seed: 0 });
    expect(byNumber.logSdDiag).toBeAllClose({ a: [[-3, -3, -3]], b: -3 });
    const tree: Theta = { a: tf.tensor2d([[-1, -2, -3]]), b: tf.scalar(0) };
    const byTree = diag.init(params, optimizer, { initLogSds: tree, seed: 0 });
    expect(byTree.logSdDiag).toBeAllClose({ a: [[-1, -2, -3]], b: 0 });
    disposeTensors([byNumber, byTree]);
    expect([tree.a, tree.b, params.a, params.b].some((leaf) => leaf.isDisposed)).toBe(false);
  });

  test('warns, in words, at log sds of 0 by default, and once at a 0 that is given', () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
    for (const initLogSds of [-3, 1e-4, { a: tf.zeros([1, 3]), b: tf.scalar(0) }])
      diag.init(params, optimizer, { initLogSds });
    diag.build(target, optimizer);
    expect(warn).not.toHaveBeenCalled();
    for (let i = 0; i < 3; i++) diag.init(params, optimizer, { initLogSds: 0 });
    diag.build(target, optimizer, { initLogSds: 0 }).init(params);
    expect(warn).toHaveBeenCalledTimes(1);
    diag.init(params, optimizer);
    diag.build(target, optimizer).init(params);
    expect(warn).toHaveBeenCalledTimes(3);
    for (const [text] of warn.mock.calls) {
      expect(text).toMatch(
        /^vi\.diag\.init: initLogSds is 0, so every parameter starts with a standard deviation of 1\. .* start from about -3/,
      );
    }
  });

  test('refuses log sds that do not fit, and leaves nothing', () => {
    const init = (initLogSds: unknown) => () =>
      diag.init(params, optimizer, { initLogSds: initLogSds as number, seed: 0 });
    expectNoLeak(() => {
      expect(init(Number.NaN)).toThrow(
        'vi.diag.init: initLogSds is NaN and must be a finite number, or a tree like the parameters',
      );
      expect(init({ a: params.a })).toThrow(
        'vi.diag.init: the parameters and initLogSds: tree.mapWithPath: trees differ in structure at $: {a, b} vs {a}',
      );
      expect(init({ a: params.b, b: params.b })).toThrow(
        'vi.diag.init: the parameters and initLogSds: shapes differ at $.a: [1,3] vs []',
      );
    });
  });
});

describe('sample', () => {
  const state = diag.init({ a: tf.tensor1d([1, -2]), b: tf.scalar(3) }, optim.adam(), {
    initLogSds: { a: tf.tensor1d([0, -1]), b: tf.scalar(1) },
    seed: 1,
  });

  test('has the shape asked for in front of that of each parameter', () => {
    const shapes = (sampleShape?: number[]) =>
      Object.values(diag.sample(state, { seed: 0, ...(sampleShape ? { sampleShape } : {}) })).map(({ shape }) => shape);
    expect(shapes()).toEqual([[2], []]);
    expect(shapes([])).toEqual([[2], []]);
    expect(shapes([5])).toEqual([[5, 2], [5]]);
    expect(shapes([2, 3])).toEqual([
      [2, 3, 2],
      [2, 3],
    ]);
    expect(shapes([0])).toEqual([[0, 2], [0]]);
  });

  test('has the moments of q, to 4 standard errors', () => {
    const count = 100_000;
    const { a, b } = diag.sample(state, { seed: 2, sampleShape: [count] });
    const expectColumn = (values: tf.Tensor, mu: number, logSd: number) => {
      const { mean, variance } = tf.moments(values);
      expect(Math.abs(numberOf(mean) - mu)).toBeLessThan((4 * Math.exp(logSd)) / Math.sqrt(count));
      expect(Math.abs(numberOf(variance) / Math.exp(2 * logSd) - 1)).toBeLessThan(4 * Math.sqrt(2 / count));
    };
    expectColumn(tf.slice(a, [0, 0], [count, 1]), 1, 0);
    expectColumn(tf.slice(a, [0, 1], [count, 1]), -2, -1);
    expectColumn(b, 3, 1);
  });

  test('repeats with a seed or a key, differs without, and never draws from the key of the state', () => {
    const draw = (options?: object) => [...diag.sample(state, options).a.dataSync()];
    const keyBefore = [...(state.key as Uint32Array)];
    expect(draw({ seed: 3 })).toEqual(draw({ seed: 3 }));
    expect(draw({ seed: 3 })).toEqual(draw({ key: toKey(3) }));
    expect(draw({ seed: 3 })).not.toEqual(draw({ seed: 4 }));
    expect(draw()).not.toEqual(draw());
    expect([...(state.key as Uint32Array)]).toEqual(keyBefore);
    const { params, logSdDiag } = state;
    expect([...diag.sample({ params, logSdDiag }, { seed: 3 }).a.dataSync()]).toEqual(draw({ seed: 3 }));
  });

  test('refuses a batch of keys', () => {
    const keys = keyTensor([toKey(0), toKey(1)]);
    const says = 'the key has shape [2,2] and must be a single one, of shape [2]';
    expect(() => diag.sample(state, { key: keys })).toThrow(`vi.diag.sample: ${says}`);
    const { params, logSdDiag } = state;
    const logP: LogProbFn<typeof params, null, []> = ({ b }) => withAux(b, []);
    expect(() => diag.nelbo(params, logSdDiag, null, logP, { key: keys })).toThrow(`vi.diag.nelbo: ${says}`);
    keys.dispose();
  });

  test('leaves nothing but the draws', () => {
    expectNoLeak(() => {
      disposeTensors(diag.sample(state, { seed: 0, sampleShape: [3] }));
      disposeTensors(diag.sample(state));
      expect(() => diag.sample(state, { sampleShape: [-1] })).toThrow(/^vi\.diag\.sample: .*shape is \[-1/);
    });
  });
});

describe('fits', () => {
  const mu = [1, -2, 3];
  const precision = [
    [2, 0.8, -0.3],
    [0.8, 1, 0.2],
    [-0.3, 0.2, 0.5],
  ];
  const correlated: LogProbFn<{ theta: tf.Tensor }, null, []> = ({ theta }) => {
    const centred = tf.reshape(tf.sub(theta, tf.tensor1d(mu)), [1, 3]);
    return withAux(tf.mul(-0.5, tf.sum(tf.mul(centred, tf.matMul(centred, tf.tensor2d(precision))))), []);
  };

  // The plain gradient keeps its noise at the optimum, so it comes less close with as many draws.
  test.each([
    { stl: true, rtol: 0.01 },
    { stl: false, rtol: 0.02 },
  ])('a correlated normal: its mean, and the variances 1 / Λii, %o', async ({ stl, rtol }) => {
    await setBackend('wasm');
    const steps = 1500;
    const optimizer = optim.adam({ learningRate: optim.cosineDecaySchedule(0.02, steps) });
    const transform = diag.build(correlated, optimizer, { nSamples: 400, stl, initLogSds: -1 });
    const state = await run(transform, transform.init({ theta: tf.zeros([3]) }, { seed: 6 }), repeat(steps));
    const variances = tf.exp(tf.mul(2, state.logSdDiag.theta));
    expect(state.params.theta).toBeAllClose(mu, { rtol, atol: 0 });
    expect(variances).toBeAllClose(
      precision.map((row, i) => 1 / (row[i] as number)),
      { rtol, atol: 0 },
    );
  });

  test('at temperature T variances T times as large', async () => {
    const steps = 800;
    const transform = diag.build(target, optim.adam({ learningRate: optim.cosineDecaySchedule(0.1, steps) }), {
      temperature: 0.25,
      initLogSds: -1,
    });
    const state = await run(
      transform,
      transform.init(map((m: tf.Tensor) => tf.add(m, 0.5), mean) as Theta, { seed: 7 }),
      repeat(steps),
    );
    expect(state.params).toBeAllClose(mean as TensorTree, { rtol: 0.01 });
    expect(map((logSd: tf.Tensor) => tf.exp(logSd), state.logSdDiag)).toBeAllClose(
      map((sd: tf.Tensor) => tf.mul(0.5, sd), sds),
      { rtol: 0.01 },
    );
  });
});

test('build refuses what is no optimiser and options that do not exist', () => {
  const logPosterior = (p: tf.Tensor) => [tf.neg(tf.sum(tf.square(p))), []] as const;
  const needs = 'vi.diag.build: the second argument must be an optimiser of @posteriors/optim';
  expect(() => diag.build(logPosterior, undefined as never)).toThrow(needs);
  expect(() => diag.build(logPosterior, { minimize: () => 0 } as never)).toThrow(needs);
  expect(() => diag.build(logPosterior, optim.adam(), { temprature: 1 } as never)).toThrow(
    'vi.diag.build: there is no option temprature; there are temperature, nSamples, stl',
  );
});
