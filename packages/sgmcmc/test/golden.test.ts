// Trajectories of Python's posteriors with the same noise, and of torch.optim.SGD: see tooling/golden/sgmcmc_golden.py.
import { setBackend } from '@posteriors/backend';
import type { LogProbFn } from '@posteriors/transform';
import { leaves, map, type TensorTree } from '@posteriors/tree';
import * as tf from '@tensorflow/tfjs-core';
import { beforeEach, describe, expect, test } from 'vitest';
import { baoa, sghmc } from '../src/index.ts';
import golden from './golden/sgmcmc.json' with { type: 'json' };
import { gradient, logQuadratic, start } from './quadratic.ts';
import { type Name, names, pick, type State, samplers } from './samplers.ts';

type Fields = { readonly [field in 'params' | 'momenta' | 'xi']?: unknown } & { readonly logPosterior: number };
type Trees = { readonly [tree: string]: { readonly [step: string]: Fields } };

const seed = 7;
const batches = [0, 0.5, -0.25];
const filled = (shape: number[]): tf.Tensor => {
  const size = shape.reduce((product, n) => product * n, 1);
  return tf.tensor(
    Array.from({ length: size }, (_, i) => 0.75 * i - 0.5),
    shape,
  );
};
const trees: { readonly [name: string]: () => TensorTree } = {
  vector: () => filled([3]),
  nested: () => ({ layer: { bias: filled([2]), weight: filled([2, 3]) }, scale: filled([]) }),
  one: () => ({ only: filled([1]) }),
};
const cases: { readonly [name: string]: object } = {
  cold: { temperature: 0 },
  warm: { temperature: 0.5 },
  scheduled: { learningRate: (step: number) => 0.2 / (step + 1), temperature: (step: number) => 0.5 ** step },
};

const logPosterior: LogProbFn<TensorTree, tf.Tensor, []> = (params, batch) => {
  const parts = leaves(params).map((theta) => {
    const index = tf.reshape(tf.range(0, theta.size), theta.shape);
    const target = tf.add(tf.sub(tf.mul(0.5, index), 1), batch);
    const bowl = tf.mul(tf.add(1, tf.mul(0.5, index)), tf.square(tf.sub(theta, target)));
    return tf.sum(tf.add(tf.mul(0.5, bowl), tf.cos(theta)));
  });
  return [tf.neg(parts.reduce((sum, part) => tf.add(sum, part))), []];
};

const trajectories = (name: Name): [string, string, Trees[string]][] =>
  Object.entries(golden[name] as { [name: string]: Trees }).flatMap(([which, byTree]) =>
    Object.entries(byTree).map(([tree, kept]): [string, string, Trees[string]] => [which, tree, kept]),
  );

/** The fields of a state, leaf by leaf. */
const fieldsOf = ({ params, momenta, xi, logPosterior }: State<TensorTree>): object => ({
  params: leaves(params),
  ...(momenta === undefined ? {} : { momenta: leaves(momenta) }),
  ...(xi === undefined ? {} : { xi: [xi] }),
  logPosterior,
});

describe.each(names)('%s', (name) => {
  test.each(trajectories(name))('equals upstream: %s, %s', async (which, tree, kept) => {
    await setBackend('cpu');
    const transform = samplers[name].build(logPosterior, pick(name, { ...golden.hyper, ...cases[which] }));
    let state = transform.init((trees[tree] as () => TensorTree)(), { seed });
    for (let step = 0; step < 10; step++) {
      const batch = tf.scalar(batches[step % 3] as number);
      [state] = transform.update(state, batch, step % 2 === 0 ? {} : { inplace: true });
      const expected = kept[step + 1];
      if (expected) expect(fieldsOf(state)).toBeAllClose(expected, { rtol: 2e-6, atol: 2e-6 });
    }
    expect(Object.keys(kept)).toEqual(['1', '2', '3', '10']);
  });
});

describe.each(['cpu', 'wasm'] as const)('the quadratic at temperature 0 on %s', (device) => {
  beforeEach(() => setBackend(device));

  test.each(Object.entries(golden.quadratic))('%s', (name, steps) => {
    const { learningRate, alpha, sigma, momenta } = golden.hyper;
    const options = pick(name as Name, { learningRate, alpha, sigma, momenta, temperature: 0 });
    const transform = samplers[name as Name].build(logQuadratic, options);
    let state = transform.init(tf.tensor1d(start), { seed: 0 });
    expect(state.logPosterior.dataSync()[0]).toBeNaN();
    for (const [i, expected] of steps.entries()) {
      [state] = transform.update(state, null);
      const { key: _, step, ...fields } = state;
      expect({ ...fields }).toBeAllClose(expected, { rtol: 5e-7, atol: 2e-7 });
      expect(step).toBe(i + 1);
    }
  });
});

test.each(Object.entries(golden.sgd))(
  'baoa at temperature 0 from zero momenta is SGD with lr ε² (1 + c) / 2σ² and momentum c = exp(-α ε / σ²): %s',
  async (tree, kept) => {
    await setBackend('cpu');
    const { learningRate, alpha, sigma } = golden.hyper;
    const transform = baoa.build(logPosterior, { learningRate, alpha, sigma, temperature: 0, momenta: 0 });
    let state = transform.init((trees[tree] as () => TensorTree)(), { seed });
    for (let step = 0; step < 50; step++) {
      [state] = transform.update(state, tf.scalar(batches[step % 3] as number));
      const expected = (kept as { [step: string]: unknown })[step + 1];
      if (expected) expect(leaves(state.params)).toBeAllClose(expected, { rtol: 1e-6, atol: 1e-6 });
    }
    expect(Object.keys(kept).at(-1)).toBe('50');
  },
);

test('sghmc at temperature 0 is the delayed heavy ball: θ[t+2] = θ[t+1] + μ (θ[t+1] - θ[t]) + l (1 - τ) g(θ[t])', async () => {
  await setBackend('cpu');
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
  for (let t = 0; t < 50; t++) {
    [state] = transform.update(state, null);
    const [before, now] = path.slice(-2) as [number[], number[]];
    if (t > 0) {
      const pull = gradient(before);
      path.push(
        now.map((x, i) => x + friction * (x - (before[i] as number)) + rate * (1 - dampening) * (pull[i] as number)),
      );
    }
    expect(state.params).toBeAllClose(path.at(-1), { rtol: 1e-6, atol: 2e-6 });
    if (t === 4) expect(state.params.dataSync()[0]).toBeCloseTo(2.531, 3);
  }
});

test('an update in place changes no default that another state starts from (guards against posteriors 0.1.2, where states share theirs)', () => {
  for (const name of names) {
    const transform = samplers[name].build(logQuadratic, { learningRate: 0.1 });
    transform.update(transform.init(tf.tensor1d(start), { seed: 0 }), null, { inplace: true });
    const { step, logPosterior, xi } = transform.init(tf.tensor1d(start), { seed: 0 });
    expect(step).toBe(0);
    expect(logPosterior.dataSync()[0]).toBeNaN();
    if (xi) expect(map((leaf: tf.Tensor) => leaf.arraySync(), xi)).toBeCloseTo(0.01, 7);
  }
});
