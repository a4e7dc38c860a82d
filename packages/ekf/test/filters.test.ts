import '@posteriors/backend/cpu';
import '@posteriors/backend/wasm';
import { vmap } from '@posteriors/autodiff';
import { setBackend } from '@posteriors/backend';
import { expectNoLeak } from '@posteriors/testing';
import { type HyperParameter, withAux } from '@posteriors/transform';
import { map, ravel } from '@posteriors/tree';
import * as tf from '@tensorflow/tfjs-core';
import { beforeEach, describe, expect, test } from 'vitest';
import { denseFisher, denseGgn, diagFisher, diagGgn } from '../src/index.ts';
import { flat, numbers } from './model.ts';

await setBackend('cpu');
beforeEach(() => setBackend('cpu'));

type Theta = { readonly a: tf.Tensor; readonly b: tf.Tensor };
const params = (): Theta => ({ a: tf.tensor2d([[1, -2], [0.5, 3]]), b: tf.scalar(-1) }); // biome-ignore format: a matrix

/** A log likelihood with curvature in each parameter, for data of one column. */
const logLikelihood = ({ a, b }: Theta, y: tf.Tensor): [tf.Tensor, []] =>
  withAux(tf.mean(tf.neg(tf.square(tf.sub(y, tf.add(tf.sum(tf.sin(a)), tf.mul(b, y)))))), []);
const forward = ({ a, b }: Theta, y: tf.Tensor): [tf.Tensor, []] =>
  withAux(tf.add(tf.sum(tf.sin(a)), tf.mul(b, y)), []);
const outer = (z: tf.Tensor, y: tf.Tensor): tf.Tensor => tf.neg(tf.mean(tf.square(tf.sub(y, z))));
const batch = (): tf.Tensor => tf.tensor2d([[0.3], [-1.2], [2.1]]);

type Settings = { readonly learningRate: HyperParameter; readonly noise?: HyperParameter };
/** Each filter with one name for the transition noise, and one for what tells its spread. */
const filters = [
  ['diagFisher', 'transitionSd', (config: object) => diagFisher.build(logLikelihood, config as diagFisher.Hyper)],
  ['diagGgn', 'transitionSd', (config: object) => diagGgn.build(forward, outer, config as diagGgn.Hyper)],
  ['denseFisher', 'transitionCov', (config: object) => denseFisher.build(logLikelihood, config as denseFisher.Hyper)],
  ['denseGgn', 'transitionCov', (config: object) => denseGgn.build(forward, outer, config as denseGgn.Hyper)],
] as const;
type State = diagFisher.State<Theta> | denseFisher.State<Theta>;
type Filter = {
  init(params: Theta, options: object): State;
  update(state: State, batch: tf.Tensor, options?: object): [State, unknown];
};

const spread = (state: State): number[] => flat('cov' in state ? state.cov : state.sdDiag);

describe.each(filters)('%s', (name, noise, build) => {
  const filter = ({ learningRate, noise: sd }: Settings): Filter =>
    build({ learningRate, ...(sd === undefined ? {} : { [noise]: sd }) }) as unknown as Filter;
  const values = (state: State): number[][] => [flat(state.params), spread(state), numbers(state.logLikelihood)];

  test('schedules are called with 0, 1, 2, ... and give what numbers give, as do tensors', () => {
    const seen: number[] = [];
    const rate = (step: number): number => 0.5 / (step + 1);
    const scheduled = filter({
      learningRate: (step) => {
        seen.push(step);
        return rate(step);
      },
      noise: (step) => 0.1 * step,
    });
    const fixed = filter({ learningRate: 7, noise: 7 });
    let [state, expected, byTensor] = [scheduled, fixed, fixed].map((each) => each.init(params(), { seed: 0 })) as [
      State,
      State,
      State,
    ];
    for (let step = 0; step < 3; step++) {
      const hyper = { learningRate: rate(step), [noise]: 0.1 * step };
      [state] = scheduled.update(state, batch());
      [expected] = fixed.update(expected, batch(), { hyper });
      [byTensor] = fixed.update(byTensor, batch(), { hyper: map((x: number) => tf.scalar(x), hyper) });
      expect(values(state)).toEqual(values(expected));
      expect(values(byTensor)).toEqual(values(expected));
    }
    expect(seen).toEqual([0, 1, 2]);
  });

  test('vmap over learning rates and transitions equals separate updates', () => {
    const transform = filter({ learningRate: 1 });
    const state = transform.init(params(), { seed: 0 });
    const [rates, transitions] = [[0.1, 0.5, 1], [0, 0.2, 0.4]]; // biome-ignore format: one line
    const all = vmap(
      (learningRate: tf.Tensor, sd: tf.Tensor) =>
        transform.update(state, batch(), { hyper: { learningRate, [noise]: sd } })[0],
    )(tf.tensor1d(rates as number[]), tf.tensor1d(transitions as number[]));
    rates?.forEach((learningRate, i) => {
      const hyper = { learningRate, [noise]: transitions?.[i] };
      const [one] = transform.update(state, batch(), { hyper });
      const mine = map((leaf: tf.Tensor) => tf.gather(leaf, i), all.params);
      expect(mine).toBeAllClose(one.params);
    });
  });

  test('transition noise widens what is known, data narrows it', () => {
    const transform = filter({ learningRate: 1 });
    const state = transform.init(params(), { seed: 0 });
    const [still] = transform.update(state, batch());
    const [moved] = transform.update(state, batch(), { hyper: { [noise]: 0.5 } });
    const variances = (each: State): number[] =>
      'cov' in each
        ? (each.cov.arraySync() as number[][]).map((row, i) => row[i] as number)
        : flat(each.sdDiag).map((sd) => sd ** 2);
    variances(still).forEach((variance, i) => {
      expect(variance).toBeLessThan(1);
      expect(variances(moved)[i]).toBeGreaterThan(variance);
    });
  });

  test('wrong hyper-parameters are refused before anything runs, and the state can go on', () => {
    const transform = filter({ learningRate: 0.5 });
    const state = transform.init(params(), { seed: 0 });
    const before = values(state);
    const wrong: [object, string][] = [
      [{ learningRate: -1 }, 'learningRate is -1 and must be a number that is not negative'],
      [{ learningRate: () => Number.NaN }, 'learningRate is NaN and must be a number that is not negative'],
      [{ learningRate: undefined }, 'learningRate is undefined and must be a number that is not negative'],
      [{ learningRate: tf.ones([2]) }, 'learningRate has shape [2] and must be a scalar'],
      [{ [noise]: -0.1 }, `${noise} is -0.1 and must be a number that is not negative`],
      [{ [noise]: tf.scalar(1, 'int32') }, `${noise} is int32 and must be float32`],
    ];
    for (const [hyper, says] of wrong)
      for (const inplace of [false, true])
        expect(() => transform.update(state, batch(), { hyper, inplace })).toThrow(`ekf.${name}.update: ${says}`);
    expect(values(state)).toEqual(before);
    expect(transform.update(state, batch())[0].step).toBe(1);
  });

  // A state half written, its spread widened but its data not taken in, would go on as if nothing had happened.
  test('where the likelihood throws, the state is as it was, in place too (guards against posteriors 0.1.2, which writes the predicted standard deviations first)', () => {
    const transform = filter({ learningRate: 0.5, noise: 0.3 });
    const state = transform.init(params(), { seed: 0 });
    const before = values(state);
    for (const inplace of [false, true]) {
      expect(() => transform.update(state, null as never, { inplace })).toThrow(`ekf.${name}.update: `);
      expect(() => transform.update(state, tf.fill([3, 1], Number.NaN), { inplace })).toThrow(
        `ekf.${name}.update: logLikelihood is NaN at step 0`,
      );
    }
    expect(values(state)).toEqual(before);
    expect(state.step).toBe(0);
  });

  test('build refuses options that do not exist, or none', () => {
    expect(() => build({ lr: 1 })).toThrow(
      `ekf.${name}.build: there is no option lr; there are learningRate, ${noise}`,
    );
    expect(() => build(undefined as never)).toThrow(`ekf.${name}.build: the options are undefined`);
  });

  test('build refuses values that are wrong from the start, and takes schedules of which they are not known', () => {
    const make = (config: object) => () => build({ learningRate: 1, ...config });
    const wrong: [option: string, value: unknown, says: string][] = [
      ['learningRate', -1, 'is -1 and must be a number that is not negative'],
      ['learningRate', undefined, 'is undefined and must be'],
      [noise, Number.NaN, 'is NaN and must be a number that is not negative'],
    ];
    for (const [option, value, says] of wrong) {
      expect(make({ [option]: value })).toThrow(`ekf.${name}.build: ${option} ${says}`);
      expect(make({ [option]: () => value })).not.toThrow();
    }
  });

  test.each(['cpu', 'wasm'] as const)(
    'a learning rate of 0, as of a schedule, leaves the batch out, on %s',
    async (device) => {
      await setBackend(device);
      const transform = filter({ learningRate: (step) => step });
      const state = transform.init(params(), { seed: 0 });
      const [same] = transform.update(state, batch());
      expect(flat(same.params)).toEqual(flat(state.params));
      expect(spread(same)).toBeAllClose(spread(state), { rtol: 1e-6 });
      expect(flat(transform.update(same, batch())[0].params)).not.toEqual(flat(state.params));
    },
  );

  test('parameters with a normal log likelihood are found', () => {
    const target: Theta = { a: tf.tensor2d([[1.5, -2.5], [1.5, 2.5]]), b: tf.scalar(-0.5) }; // biome-ignore format: a matrix
    const residual = (p: Theta): tf.Tensor => tf.sub(ravel(p).flat, ravel(target).flat);
    const density = (p: Theta): [tf.Tensor, []] => withAux(tf.mul(-0.5, tf.sum(tf.square(residual(p)))), []);
    const each = (p: Theta): [tf.Tensor, []] => withAux(tf.reshape(density(p)[0], [1]), []);
    const builds = {
      diagFisher: () => diagFisher.build(each, { learningRate: 0.1, perSample: true }),
      denseFisher: () => denseFisher.build(each, { learningRate: 0.1, perSample: true }),
      diagGgn: () => diagGgn.build((p: Theta) => withAux(residual(p), []), halfSquares, { learningRate: 0.1 }),
      denseGgn: () => denseGgn.build((p: Theta) => withAux(residual(p), []), halfSquares, { learningRate: 0.1 }),
    };
    const transform = builds[name]() as unknown as {
      init: Filter['init'];
      update(...args: unknown[]): [State, unknown];
    };
    const state = transform.init(params(), { seed: 0 });
    transform.update(state, null, { inplace: true });
    const first = numbers(state.logLikelihood)[0] as number;
    for (let i = 1; i < 1000; i++) transform.update(state, null, { inplace: true });
    expect(numbers(state.logLikelihood)[0]).toBeGreaterThan(first);
    // The Gauss-Newton filters have seen 100 observations, with a prior that counts for one.
    const rate = name.endsWith('Ggn') ? 1 / 101 : 0;
    const expected = flat(target).map((t, i) => t + rate * ((flat(params())[i] as number) - t));
    expect(flat(state.params)).toBeAllClose(expected, { rtol: 1e-4, atol: 1e-4 });
  });
});

const halfSquares = (z: tf.Tensor): tf.Tensor => tf.mul(-0.5, tf.sum(tf.square(z)));

describe('the functions of the modules equal those of build, with the same defaults', () => {
  test('diagonal', () => {
    const hyper = { learningRate: 0.5 };
    const fisher = diagFisher.build(logLikelihood, hyper);
    const start = diagFisher.init(params(), { seed: 0 });
    expect(flat(start.sdDiag)).toEqual([1, 1, 1, 1, 1]);
    const compare = (one: diagFisher.State<Theta>, other: diagFisher.State<Theta>): void => {
      expect([flat(one.params), flat(one.sdDiag)]).toEqual([flat(other.params), flat(other.sdDiag)]);
    };
    compare(fisher.update(start, batch())[0], diagFisher.update(start, batch(), logLikelihood, hyper)[0]);
    const ggn = diagGgn.build(forward, outer, hyper);
    compare(ggn.init(params(), { seed: 0 }), start);
    compare(ggn.update(start, batch())[0], diagGgn.update(start, batch(), forward, outer, hyper)[0]);
    const moved = { hyper: { transitionSd: 0.5 } };
    compare(fisher.update(start, batch(), moved)[0], diagFisher.update(start, batch(), logLikelihood, hyper, moved)[0]);
  });

  test('dense', () => {
    const hyper = { learningRate: 0.5 };
    const fisher = denseFisher.build(logLikelihood, hyper);
    const start = denseFisher.init(params(), { seed: 0 });
    expect(start.cov).toBeAllClose(tf.eye(5));
    const compare = (one: denseFisher.State<Theta>, other: denseFisher.State<Theta>): void => {
      expect([flat(one.params), flat(one.cov)]).toEqual([flat(other.params), flat(other.cov)]);
    };
    compare(fisher.update(start, batch())[0], denseFisher.update(start, batch(), logLikelihood, hyper)[0]);
    const ggn = denseGgn.build(forward, outer, hyper);
    compare(ggn.init(params(), { seed: 0 }), start);
    compare(ggn.update(start, batch())[0], denseGgn.update(start, batch(), forward, outer, hyper)[0]);
  });
});

describe('the first spread', () => {
  test.each(['cpu', 'wasm'] as const)('initSds that are a tree are looked at as numbers are, on %s', async (device) => {
    await setBackend(device);
    const bad = { a: tf.ones([2, 2]), b: tf.scalar(-1) };
    expect(() => diagFisher.init(params(), { initSds: bad })).toThrow(
      'ekf.diagFisher.init: initSds $.b is -1 at element 0 and must be a number that is not negative',
    );
    expect(() => diagGgn.init(params(), { initSds: { ...bad, a: tf.tensor2d([[0, 1], [Number.NaN, 1]]) } })).toThrow(
      'ekf.diagGgn.init: initSds $.a is NaN at element 2 and must be a number that is not negative',
    ); // biome-ignore format: a matrix
    expect(() => diagGgn.init(params(), { initSds: tf.scalar(-2) })).toThrow('initSds is -2 at element 0 and must be');
    expect(flat(diagGgn.init(params(), { initSds: tf.scalar(0.25) }).sdDiag)).toEqual([0.25, 0.25, 0.25, 0.25, 0.25]);
  });

  test('initSds is a number or a tree; the caller keeps it', () => {
    const initSds = map((leaf: tf.Tensor) => tf.mul(0.1, tf.square(leaf)), params());
    for (const { build } of [{ build: diagFisher.build(logLikelihood, { learningRate: 1, initSds }) }]) {
      const state = build.init(params(), { seed: 0 });
      expect(state.sdDiag).toBeAllClose(initSds as never);
      state.dispose();
      expect(initSds.a.isDisposed).toBe(false);
    }
    expect(flat(diagGgn.init(params(), { initSds: 0.25 }).sdDiag)).toEqual([0.25, 0.25, 0.25, 0.25, 0.25]);
    expect(() => diagFisher.init(params(), { initSds: -1 })).toThrow(
      'ekf.diagFisher.init: initSds is -1 and must be a number that is not negative',
    );
    expect(() => diagGgn.init(params(), { initSds: { a: tf.scalar(1), b: tf.scalar(1) } })).toThrow(
      'ekf.diagGgn.init: the parameters and initSds: shapes differ at $.a: [2,2] vs []',
    );
  });

  test('initCov is a variance or a matrix, which is copied; what is no covariance is refused, and nothing left', () => {
    const matrix = tf.tensor2d([[2, 0.5], [0.5, 1]]); // biome-ignore format: a matrix
    const theta = tf.zeros([2]);
    const state = denseFisher.init(theta, { initCov: matrix });
    expect(state.cov).toBeAllClose(matrix);
    state.dispose();
    expect(matrix.isDisposed).toBe(false);
    expect(denseGgn.init(theta, { initCov: 3 }).cov).toBeAllClose([[3, 0], [0, 3]]); // biome-ignore format: a matrix
    expect(denseGgn.init(theta, { initCov: tf.scalar(3) }).cov).toBeAllClose([[3, 0], [0, 3]]); // biome-ignore format: a matrix
    const wrong: [number | tf.Tensor, string][] = [
      [tf.scalar(0), 'initCov is 0 at element 0 and must be a positive number'],
      [tf.scalar(1, 'int32'), 'initCov is int32[] and must be float32'],
      [0, 'initCov is 0 and must be a positive number'],
      [-1, 'initCov is -1 and must be a positive number'],
      [Number.NaN, 'initCov is NaN and must be a positive number'],
      [tf.eye(3), 'initCov is float32[3,3] and must be float32 [2,2], with a row for each of the 2 elements of the parameters'],
      [tf.ones([2]), 'initCov is float32[2] and must be float32 [2,2]'],
      [tf.ones([2, 2], 'int32'), 'initCov is int32[2,2]'],
      [tf.tensor2d([[1, 0.5], [0.25, 1]]), 'initCov is not symmetric: element [1,0] is 0.25 and element [0,1] is 0.5; give (a + aᵀ) / 2'],
      [tf.tensor2d([[1, 2], [2, 1]]), 'initCov: cholesky: the matrix is not positive definite: pivot 1 is -3, and must be positive'],
    ]; // biome-ignore format: a table
    for (const [initCov, says] of wrong)
      expectNoLeak(() => expect(() => denseFisher.init(theta, { initCov })).toThrow(`ekf.denseFisher.init: ${says}`));
  });

  test('a transition matrix that does not fit is refused', () => {
    const transform = denseGgn.build(forward, outer, { learningRate: 1 });
    const state = transform.init(params(), { seed: 0 });
    expect(() => transform.update(state, batch(), { hyper: { transitionCov: tf.eye(4) } })).toThrow(
      'ekf.denseGgn.update: transitionCov is float32[4,4] and must be float32 [5,5], with a row for each of the 5 elements of the parameters',
    );
    const askew = tf.add(tf.eye(5), tf.oneHot(tf.tensor1d([1, 9, 9, 9, 9], 'int32'), 5));
    for (const inplace of [false, true]) {
      expect(() => transform.update(state, batch(), { hyper: { transitionCov: askew }, inplace })).toThrow(
        'ekf.denseGgn.update: transitionCov is not symmetric: element [1,0] is 0 and element [0,1] is 1; give (a + aᵀ) / 2',
      );
    }
    const negative = tf.mul(-2, tf.eye(5));
    expect(() => transform.update(state, batch(), { hyper: { transitionCov: negative } })).toThrow(
      /^ekf\.denseGgn\.update: .*the matrix is not positive definite: pivot 0 is -1/,
    );
    expect(transform.update(state, batch())[0].step).toBe(1);
  });
});

describe('a log likelihood that cannot be taken apart', () => {
  test('a batch without examples', () => {
    const transform = diagFisher.build((p: Theta) => withAux(tf.sum(p.a), []), { learningRate: 1 });
    const state = transform.init(params(), { seed: 0 });
    expect(() => transform.update(state, null)).toThrow(
      'ekf.diagFisher.update: the tensors of the batch must have an axis 0 of one length, the examples, and there are none; or give perSample: true',
    );
  });

  test('a vector without perSample, and a scalar with it', () => {
    const vector = ({ b }: Theta, y: tf.Tensor): [tf.Tensor, []] => withAux(tf.mul(b, tf.reshape(y, [-1])), []);
    const state = denseFisher.init(params(), { seed: 0 });
    expect(() => denseFisher.update(state, batch(), vector, { learningRate: 1 })).toThrow(
      'ekf.denseFisher.update: the function must return a scalar (shape []) and returned shape [1] for a batch of one example; sum it or take its mean, or give perSample: true',
    );
    expect(() => denseFisher.update(state, batch(), logLikelihood, { learningRate: 1, perSample: true })).toThrow(
      'ekf.denseFisher.update: with perSample: true the function must return a float32 vector, one value for each example, and returned float32[]',
    );
    const constant = (_: Theta, y: tf.Tensor): [tf.Tensor, []] => withAux(tf.reshape(y, [-1]), []);
    expect(() => denseFisher.update(state, batch(), constant, { learningRate: 1, perSample: true })).toThrow(
      'ekf.denseFisher.update: the log density does not depend on the parameters',
    );
  });
});

describe.each(['cpu', 'wasm'] as const)('a covariance on %s', (device) => {
  test('stays symmetric to the bit and positive definite from a start 100,000 times as vague', async () => {
    await setBackend(device);
    const count = 40;
    const x = tf.tensor2d(Array.from({ length: 8 * count }, (_, i) => Math.sin(i * i)), [8, count]); // biome-ignore format: one line
    const z = (theta: tf.Tensor, inputs: tf.Tensor): tf.Tensor => tf.matMul(inputs, tf.reshape(theta, [count, 1]));
    const normal = (outputs: tf.Tensor): tf.Tensor => tf.mul(-0.5, tf.sum(tf.square(tf.sub(outputs, 1))));
    const builds = [
      denseGgn.build((theta: tf.Tensor, inputs: tf.Tensor) => withAux(z(theta, inputs), []), normal, {
        learningRate: 1,
        initCov: 100,
      }),
      denseFisher.build((theta: tf.Tensor, inputs: tf.Tensor) => withAux(normal(z(theta, inputs)), []), {
        learningRate: 1,
        initCov: 100,
      }),
    ];
    for (const transform of builds) {
      const state = transform.init(tf.zeros([count]), { seed: 0 });
      for (let i = 0; i < 100; i++) transform.update(state, x, { inplace: true });
      expect(numbers(tf.transpose(state.cov))).toEqual(numbers(state.cov));
      expect(numbers(denseGgn.sample(state, { seed: 0 })).every(Number.isFinite)).toBe(true);
    }
  });
});
