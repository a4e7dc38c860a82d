import '@posteriors/backend/cpu';
import '@posteriors/backend/wasm';
import '@posteriors/testing';
import { vmap } from '@posteriors/autodiff';
import { setBackend } from '@posteriors/backend';
import { normalLike } from '@posteriors/distributions';
import { key as toKey } from '@posteriors/random';
import { disposeTensors, type HyperParameter, type LogProbFn, run, withAux } from '@posteriors/transform';
import { leaves, map, type TensorTree } from '@posteriors/tree';
import * as tf from '@tensorflow/tfjs-core';
import { beforeEach, describe, expect, test } from 'vitest';
import { sghmc } from '../src/index.ts';
import golden from './golden/sghmc.json' with { type: 'json' };
import { gradient, logQuadratic, start } from './quadratic.ts';

await setBackend('cpu');
beforeEach(() => setBackend('cpu'));

const standard: LogProbFn<tf.Tensor, null, []> = (theta) => withAux(tf.mul(-0.5, tf.sum(tf.square(theta))), []);
const size = 200_000;
const many = (): tf.Tensor => tf.zeros([size]);

/** Updates in place, `count` times. */
const updated = <P extends TensorTree, S, A>(
  transform: { update(state: S, batch: null, options: object): readonly [S, A] } & { init(params: P): S },
  state: S,
  count: number,
): S => {
  for (let i = 0; i < count; i++) disposeTensors(transform.update(state, null, { inplace: true })[1]);
  return state;
};

/** Expects a mean and a variance, both to 4 standard errors of independent normal draws. */
const expectMoments = (draws: tf.Tensor, mean: number, variance: number): void => {
  const values = draws.dataSync<'float32'>();
  const n = values.length;
  const average = values.reduce((sum, x) => sum + x, 0) / n;
  const spread = values.reduce((sum, x) => sum + (x - average) ** 2, 0) / n;
  expect(Math.abs(average - mean)).toBeLessThan(4 * Math.sqrt(variance / n));
  expect(Math.abs(spread / variance - 1)).toBeLessThan(4 * Math.sqrt(2 / n));
};

describe('at temperature 0', () => {
  describe.each(['cpu', 'wasm'] as const)('%s', (device) => {
    test('follows the golden trajectory', async () => {
      await setBackend(device);
      const transform = sghmc.build(logQuadratic, {
        learningRate: 0.1,
        alpha: 0.7,
        sigma: 1.5,
        temperature: 0,
        momenta: 0.3,
      });
      let state = transform.init(tf.tensor1d(start), { seed: 0 });
      expect(state.logPosterior.dataSync()[0]).toBeNaN();
      expect(state.step).toBe(0);
      for (const [i, expected] of golden.steps.entries()) {
        [state] = transform.update(state, null);
        const { params, momenta, logPosterior, step } = state;
        expect({ params, momenta, logPosterior }).toBeAllClose(expected, { rtol: 5e-7, atol: 2e-7 });
        expect(step).toBe(i + 1);
      }
    });
  });

  test('is the delayed heavy ball: θ[t+2] = θ[t+1] + μ (θ[t+1] - θ[t]) + l (1 - τ) g(θ[t])', () => {
    const [rate, friction, dampening] = [0.1, 0.9, 0.9];
    const learningRate = 1 - dampening;
    const transform = sghmc.build(logQuadratic, {
      learningRate,
      sigma: (rate / learningRate) ** -0.5,
      alpha: (1 - friction) / rate,
      temperature: 0,
      momenta: 0,
    });
    let state = transform.init(tf.tensor1d(start), { seed: 0 });
    const path = [start, start];
    for (let t = 0; t < 5; t++) {
      [state] = transform.update(state, null);
      const [before, now] = path.slice(-2) as [number[], number[]];
      if (t > 0) {
        const pull = gradient(before);
        path.push(
          now.map((x, i) => x + friction * (x - (before[i] as number)) + rate * (1 - dampening) * (pull[i] as number)),
        );
      }
      expect(state.params).toBeAllClose(path.at(-1), { rtol: 1e-6, atol: 1e-6 });
    }
    expect(state.params.dataSync()[0]).toBeCloseTo(2.531, 3);
  });
});

describe('the noise', () => {
  const [learningRate, alpha, sigma, temperature] = [0.1, 1, 2, 0.5];
  // S = A S Aᵀ + diag(0, 2 ε T α) with A = [[1, ε/σ²], [-ε, 1 - ε α/σ²]]: the stationary law of the discrete steps at unit curvature.
  const exact = { params: 0.555907, momenta: 2.248928 };

  test('has the variance T ε (2 α - T ε β)', () => {
    const beta = 15;
    const transform = sghmc.build(standard, { learningRate, alpha, beta, sigma, temperature, momenta: 0 });
    const state = updated(transform, transform.init(many(), { seed: 1 }), 1);
    expect(state.params.dataSync().every((x) => x === 0)).toBe(true);
    expectMoments(state.momenta, 0, temperature * learningRate * (2 * alpha - temperature * learningRate * beta));
  });

  test('makes the exact stationary variances of the scheme, over 200,000 dimensions', async () => {
    await setBackend('wasm');
    const transform = sghmc.build(standard, { learningRate, alpha, sigma, temperature });
    // 0.98869 is the larger modulus of the eigenvalues of A: after 400 steps 1e-4 of the initial error is left.
    const state = updated(transform, transform.init(many(), { seed: 2 }), 400);
    expectMoments(state.params, 0, exact.params);
    expectMoments(state.momenta, 0, exact.momenta);
  });

  test('beta = V / T² makes up for gradient noise of variance V, over 50,000 dimensions', async () => {
    await setBackend('wasm');
    const variance = 2;
    // The key that a log posterior gets is not that of the sampler's own noise, with which it would be correlated.
    const noisy: LogProbFn<tf.Tensor, null, []> = (theta, _, { key }) => {
      const noise = tf.mul(Math.sqrt(variance), normalLike(key, theta));
      return withAux(tf.add(tf.mul(-0.5, tf.sum(tf.square(theta))), tf.sum(tf.mul(noise, theta))), []);
    };
    const transform = sghmc.build(noisy, {
      learningRate,
      alpha,
      beta: variance / temperature ** 2,
      sigma,
      temperature,
    });
    const state = updated(transform, transform.init(tf.zeros([50_000]), { seed: 3 }), 400);
    expectMoments(state.params, 0, exact.params);
    expectMoments(state.momenta, 0, exact.momenta);
  });

  test('is independent from leaf to leaf and from step to step', () => {
    const half = size / 2;
    const both: LogProbFn<{ a: tf.Tensor; b: tf.Tensor }, null, []> = ({ a, b }) => [
      tf.mul(0, tf.sum(tf.mul(a, b))),
      [],
    ];
    const transform = sghmc.build(both, { learningRate: 1, alpha: 1, sigma: 1, temperature: 0.5, momenta: 0 });
    const state = updated(transform, transform.init({ a: tf.zeros([half]), b: tf.zeros([half]) }, { seed: 4 }), 1);
    const first = map((leaf: tf.Tensor) => tf.clone(leaf), state.momenta);
    updated(transform, state, 1);
    // With alpha = ε = σ = 1 the old momenta are forgotten: what is left is noise of variance 1.
    const correlations = [tf.mul(first.a, first.b), tf.mul(first.a, state.momenta.a), tf.mul(first.a, state.momenta.b)];
    for (const products of correlations)
      expect(Math.abs(tf.mean(products).dataSync()[0] as number)).toBeLessThan(4 / Math.sqrt(half));
  });
});

describe('hyper-parameters', () => {
  const at = (state: { params: tf.Tensor; momenta: tf.Tensor }) => ({
    params: state.params.arraySync(),
    momenta: state.momenta.arraySync(),
  });

  test('schedules are called with 0, 1, 2, ... and give what numbers give', () => {
    const steps: [string, number][] = [];
    const schedule =
      (name: string, f: (step: number) => number): HyperParameter =>
      (step) => {
        steps.push([name, step]);
        return f(step);
      };
    const rate = (step: number): number => 0.1 / (step + 1);
    const heat = (step: number): number => 0.5 ** step;
    const scheduled = sghmc.build(logQuadratic, {
      learningRate: schedule('learningRate', rate),
      temperature: schedule('temperature', heat),
      momenta: 0,
    });
    const fixed = sghmc.build(logQuadratic, { learningRate: 1, momenta: 0 });
    let state = scheduled.init(tf.tensor1d(start), { seed: 5 });
    let expected = fixed.init(tf.tensor1d(start), { seed: 5 });
    steps.length = 0;
    for (let step = 0; step < 3; step++) {
      [state] = scheduled.update(state, null);
      [expected] = fixed.update(expected, null, { hyper: { learningRate: rate(step), temperature: heat(step) } });
      expect(at(state)).toEqual(at(expected));
    }
    for (const name of ['learningRate', 'temperature']) {
      expect(steps.flatMap(([called, step]) => (called === name ? [step] : []))).toEqual([0, 1, 2]);
    }
  });

  test('scalar tensors give what numbers give, and none recompiles', () => {
    let traces = 0;
    const counted: typeof logQuadratic = (theta) => {
      traces++;
      return logQuadratic(theta);
    };
    const numbers = { learningRate: 0.1, alpha: 0.7, beta: 0.25, sigma: 1.5, temperature: 0.5 };
    const tensors = map((x: number) => tf.scalar(x), numbers);
    const [byNumbers, byTensors] = [numbers, tensors].map((hyper) => {
      const transform = sghmc.build(counted, hyper);
      return updated(transform, transform.init(tf.tensor1d(start), { seed: 6 }), 4);
    });
    expect(byTensors?.params).toBeAllClose(byNumbers?.params, { rtol: 1e-6 });
    expect(byTensors?.momenta).toBeAllClose(byNumbers?.momenta, { rtol: 1e-6 });
    expect(traces).toBe(2); // One program, traced twice to see that it is pure.
  });

  test('vmap over temperatures equals separate runs', () => {
    const temperatures = [0, 0.25, 1];
    const transform = sghmc.build(logQuadratic, { learningRate: 0.1, alpha: 0.7, momenta: 0.3 });
    const state = transform.init(tf.tensor1d(start), { seed: 7 });
    const all = vmap((temperature: tf.Tensor) => transform.update(state, null, { hyper: { temperature } })[0])(
      tf.tensor1d(temperatures),
    );
    const each = temperatures.map((temperature) => transform.update(state, null, { hyper: { temperature } })[0]);
    expect(all.momenta).toBeAllClose(tf.stack(each.map(({ momenta }) => momenta)));
    expect(all.params).toBeAllClose(tf.stack(each.map(({ params }) => params)));
  });

  test('those given to update replace those of build for that call, and the others stay', () => {
    const hyper = { alpha: 0.7, sigma: 1.5, temperature: 0.5, momenta: 0.3 };
    const transform = sghmc.build(logQuadratic, { ...hyper, learningRate: 0.1 });
    const other = sghmc.build(logQuadratic, { ...hyper, learningRate: 0.2 });
    const state = transform.init(tf.tensor1d(start), { seed: 8 });
    const overridden = transform.update(state, null, { hyper: { learningRate: 0.2 } })[0];
    expect(at(overridden)).toEqual(at(other.update(state, null)[0]));
    expect(at(overridden)).not.toEqual(at(transform.update(state, null)[0]));
  });

  test('the functions of the module equal those of build, with the same defaults', () => {
    const hyper = { learningRate: 0.1, sigma: 1.5, temperature: 0.5 };
    const transform = sghmc.build(logQuadratic, hyper);
    const built = transform.init(tf.tensor1d(start), { seed: 9 });
    const own = sghmc.init(tf.tensor1d(start), { seed: 9, sigma: 1.5, temperature: 0.5 });
    expect(at(own)).toEqual(at(built));
    expect(own.key).toEqual(built.key);
    const [next] = sghmc.update(own, null, logQuadratic, hyper);
    expect(at(next)).toEqual(at(transform.update(built, null)[0]));
    const [full] = sghmc.update(own, null, logQuadratic, { ...hyper, alpha: 0.01, beta: 0 });
    expect(at(full)).toEqual(at(next));
    const other = { ...hyper, learningRate: 0.2, temperature: 0 };
    const [replaced] = sghmc.update(own, null, logQuadratic, hyper, { hyper: { learningRate: 0.2, temperature: 0 } });
    expect(at(replaced)).toEqual(at(sghmc.update(own, null, logQuadratic, other)[0]));
    expect(at(replaced)).not.toEqual(at(next));
  });

  test('wrong ones are refused before anything runs, and the state can go on', () => {
    const transform = sghmc.build(logQuadratic, { learningRate: 0.1, temperature: 0.5 });
    const state = transform.init(tf.tensor1d(start), { seed: 10 });
    const before = at(state);
    const wrong: [sghmc.Hyper | object, string][] = [
      [{ learningRate: 0 }, 'sghmc.update: learningRate is 0 and must be a positive number'],
      [{ learningRate: -0.1 }, 'sghmc.update: learningRate is -0.1 and must be a positive number'],
      [{ learningRate: undefined }, 'sghmc.update: learningRate is undefined and must be a positive number'],
      [{ learningRate: () => Number.NaN }, 'sghmc.update: learningRate is NaN and must be a positive number'],
      [{ learningRate: '0.1' }, 'sghmc.update: learningRate is 0.1 and must be a positive number'],
      [{ sigma: 0 }, 'sghmc.update: sigma is 0 and must be a positive number'],
      [{ alpha: -1 }, 'sghmc.update: alpha is -1 and must be a number that is not negative'],
      [{ beta: Number.NaN }, 'sghmc.update: beta is NaN and must be a number that is not negative'],
      [{ temperature: Infinity }, 'sghmc.update: temperature is Infinity and must be a number that is not negative'],
      [{ temperature: tf.tensor1d([1, 2]) }, 'sghmc.update: temperature has shape [2] and must be a scalar'],
      [
        { alpha: 0.01, beta: 1 },
        'sghmc.update: the noise variance is negative: 2 alpha = 0.02 is below temperature * learningRate * beta = 0.05. Lower beta or the learning rate, or raise alpha.',
      ],
    ];
    for (const [hyper, says] of wrong) {
      for (const inplace of [false, true]) {
        expect(() => transform.update(state, null, { hyper: hyper as Partial<sghmc.Hyper>, inplace })).toThrow(says);
      }
    }
    expect(at(state)).toEqual(before);
    expect(state.step).toBe(0);
    expect(transform.update(state, null)[0].step).toBe(1);
  });

  test('a negative noise variance is refused where all are numbers; else the momenta are NaN', () => {
    const transform = sghmc.build(logQuadratic, { learningRate: 0.1, alpha: 0.01, temperature: 0.5, momenta: 0 });
    const state = transform.init(tf.tensor1d(start), { seed: 0 });
    expect(() => transform.update(state, null, { hyper: { beta: 1 } })).toThrow('the noise variance is negative');
    const [next] = transform.update(state, null, { hyper: { beta: tf.scalar(1) } });
    expect([...next.momenta.dataSync()].every(Number.isNaN)).toBe(true);
    expect(next.params).toBeAllClose(start);
  });

  test('the noise variance may be 0', () => {
    const transform = sghmc.build(logQuadratic, { learningRate: 0.5, alpha: 0.25, beta: 1, momenta: 0.3 });
    const noiseless = sghmc.build(logQuadratic, { learningRate: 0.5, alpha: 0.25, temperature: 0, momenta: 0.3 });
    const state = transform.init(tf.tensor1d(start), { seed: 0 });
    expect(at(transform.update(state, null)[0])).toEqual(at(noiseless.update(state, null)[0]));
  });
});

describe('the first momenta', () => {
  const params = { a: [tf.ones([2, 3])], b: tf.scalar(2) };
  const momenta = { a: [tf.reshape(tf.range(0, 6), [2, 3])], b: tf.scalar(-1) };
  const logProb: LogProbFn<typeof params, null, []> = ({ a, b }) => withAux(tf.add(tf.sum(a[0] as tf.Tensor), b), []);

  test('are the tree that was given, which stays the caller’s', () => {
    const state = sghmc.build(logProb, { learningRate: 1, momenta }).init(params, { seed: 0 });
    expect(state.momenta).toBeAllClose(momenta);
    state.dispose();
    for (const leaf of leaves([params, momenta] as TensorTree)) expect(leaf.isDisposed).toBe(false);
  });

  test('are the number that was given, in each element', () => {
    const state = sghmc.build(logProb, { learningRate: 1, momenta: 0.25 }).init(params, { seed: 0 });
    expect(state.momenta).toBeAllClose({ a: [[[0.25, 0.25, 0.25], [0.25, 0.25, 0.25]]], b: 0.25 }); // biome-ignore format: a matrix
  });

  test('are drawn from N(0, σ² T) by default', () => {
    const hyper = { learningRate: 1, sigma: 3, temperature: (step: number) => 0.25 / (step + 1) };
    expectMoments(sghmc.build(standard, hyper).init(many(), { seed: 12 }).momenta, 0, 9 * 0.25);
    expectMoments(sghmc.init(many(), { seed: 12 }).momenta, 0, 1);
    const cold = sghmc.init(tf.ones([3]), { seed: 12, temperature: 0 });
    expect(cold.momenta).toBeAllClose([0, 0, 0]);
  });

  test('are refused when they do not fit the parameters', () => {
    const init = (given: unknown) => () => sghmc.init(params, { momenta: given as typeof params, seed: 0 });
    const [row, int, gone] = [tf.ones([3]), tf.ones([2, 3], 'int32'), tf.scalar(1)];
    gone.dispose();
    const live = tf.memory().numTensors;
    expect(init({ a: momenta.a })).toThrow(
      'sghmc.init: the parameters and momenta: tree.mapWithPath: trees differ in structure at $: {a, b} vs {a}',
    );
    expect(init({ a: [[momenta.a[0]]], b: momenta.b })).toThrow(
      'trees differ in structure at $.a[0]: Tensor vs [1 item]',
    );
    expect(init({ a: [row], b: momenta.b })).toThrow(
      'sghmc.init: the parameters and momenta: shapes differ at $.a[0]: [2,3] vs [3]',
    );
    expect(init({ a: [int], b: momenta.b })).toThrow('sghmc.init: momenta $.a[0] is int32[2,3] and must be float32');
    expect(init({ a: momenta.a, b: 3 })).toThrow('sghmc.init: momenta $.b is a number and must be a float32 tensor');
    expect(init({ a: momenta.a, b: gone })).toThrow('sghmc.init: momenta $.b is a disposed tensor float32[]');
    expect(init(Number.NaN)).toThrow(
      'sghmc.init: momenta is NaN and must be a finite number, or a tree like the parameters',
    );
    expect(() => sghmc.init(params, { sigma: 0 })).toThrow('sghmc.init: sigma is 0 and must be a positive number');
    expect(() => sghmc.init(params, { temperature: -1 })).toThrow(
      'sghmc.init: temperature is -1 and must be a number that is not negative',
    );
    expect(tf.memory().numTensors).toBe(live);
  });
});

describe('trees of parameters', () => {
  const sumOfSquares = (params: TensorTree): tf.Tensor =>
    leaves(params).reduce<tf.Tensor>((sum, leaf) => tf.add(sum, tf.sum(tf.square(leaf))), tf.scalar(0));
  const logProb = (params: TensorTree): [tf.Tensor, []] => [tf.mul(-0.5, sumOfSquares(params)), []];
  const trees: [string, () => TensorTree][] = [
    ['a vector', () => tf.tensor1d([1, 2, 3])],
    ['one number', () => tf.scalar(2)],
    ['one number in an object', () => ({ theta: tf.scalar(2) })],
    ['a matrix', () => tf.ones([2, 3])],
    ['nested, with null', () => ({ z: [tf.ones([2]), { y: tf.ones([1, 1]), x: null }], a: tf.scalar(-1) })],
  ];
  test.each(trees)('%s', async (_, make) => {
    const params = make();
    const transform = sghmc.build(logProb, { learningRate: 0.1, alpha: 1, temperature: 0, momenta: 0.5 });
    const state = await run(transform, transform.init(params, { seed: 0 }), [null, null]);
    // Two steps with m = 0.5, ε = 0.1: θ1 = θ + 0.05, m1 = 0.5 - 0.05 - 0.1 θ, θ2 = θ1 + 0.1 m1.
    const expected = map((theta: tf.Tensor) => tf.add(tf.mul(theta, 0.99), 0.095), params);
    expect(state.params).toBeAllClose(expected);
    expect(state.step).toBe(2);
  });

  test('variables: init takes their values, and a state made of them is assigned in place', () => {
    const variable = tf.variable(tf.tensor1d([1, 2]));
    const transform = sghmc.build(standard, { learningRate: 0.1, alpha: 1, temperature: 0, momenta: 0.5 });
    const state = transform.init(variable, { seed: 0 });
    variable.assign(tf.tensor1d([7, 7]));
    expect(state.params).toBeAllClose([1, 2]);
    const made = { ...transform.init(tf.tensor1d([1, 2]), { seed: 0 }), params: { theta: variable } };
    const momenta = { theta: made.momenta };
    const own = { ...made, momenta } as unknown as sghmc.State<{ theta: tf.Tensor }>;
    const logProb: LogProbFn<{ theta: tf.Tensor }, null, []> = ({ theta }, batch, context) =>
      standard(theta, batch, context) as [tf.Tensor, []];
    const [same] = sghmc.update(own, null, logProb, { learningRate: 0.1, alpha: 1, temperature: 0 }, { inplace: true });
    expect(same.params.theta).toBe(variable);
    expect(variable).toBeAllClose([7.05, 7.05]);
    variable.dispose();
  });
});

test('a key that is given decides the numbers, as the seed it is the key of', () => {
  const transform = sghmc.build(standard, { learningRate: 0.1 });
  const [bySeed, byKey] = [{ seed: 42 }, { key: toKey(42) }].map((options) => transform.init(tf.ones([4]), options));
  expect(byKey?.momenta.arraySync()).toEqual(bySeed?.momenta.arraySync());
});

test('build refuses options that do not exist, or none', () => {
  const logPosterior = (p: tf.Tensor) => [tf.neg(tf.sum(tf.square(p))), []] as const;
  expect(() => sghmc.build(logPosterior, { learningRate: 0.1, lr: 0.1 } as never)).toThrow(
    'sghmc.build: there is no option lr; there are learningRate, alpha, beta, sigma, temperature, momenta',
  );
  expect(() => sghmc.build(logPosterior, undefined as never)).toThrow('sghmc.build: the options are undefined');
});
