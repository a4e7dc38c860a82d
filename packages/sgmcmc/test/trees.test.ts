// Parameters of every form.
import { setBackend } from '@posteriors/backend';
import { type LogProbFn, run } from '@posteriors/transform';
import { leaves, map, type TensorTree } from '@posteriors/tree';
import * as tf from '@tensorflow/tfjs-core';
import { beforeEach, describe, expect, test } from 'vitest';
import { sghmc } from '../src/index.ts';
import { names, pick, samplers, standard } from './samplers.ts';

beforeEach(() => setBackend('cpu'));

const trees: [string, () => TensorTree][] = [
  ['a vector', () => tf.tensor1d([1, 2, 3])],
  ['one number', () => tf.scalar(2)],
  ['one number in an object', () => ({ theta: tf.scalar(2) })],
  ['a matrix', () => tf.ones([2, 3])],
  ['nested, with null', () => ({ z: [tf.ones([2]), { y: tf.ones([1, 1]), x: null }], a: tf.scalar(-1) })],
];
const logProb = (params: TensorTree): [tf.Tensor, []] => {
  const squares = leaves(params).map((leaf) => tf.sum(tf.square(leaf)));
  return [
    tf.mul(
      -0.5,
      squares.reduce((sum, square) => tf.add(sum, square)),
    ),
    [],
  ];
};

describe.each(names)('%s', (name) => {
  test.each(trees)('%s', async (_, make) => {
    const params = make();
    const temperature = name === 'sglrw' ? 1e-12 : 0;
    const hyper = pick(name, { learningRate: 0.1, alpha: 1, temperature, momenta: 0.5 });
    const transform = samplers[name].build(logProb, hyper);
    const state = await run(transform, transform.init(params, { seed: 0 }), [null, null]);
    // Two steps of ε = 0.1 from m = 0.5, at no temperature. By Euler's scheme, with a friction of 1:
    // θ1 = θ + 0.05, m1 = 0.5 - 0.05 - 0.1 θ, θ2 = θ1 + 0.1 m1. Of sgnht the friction is 1 in the first step.
    const [slow, half] = [Math.exp(-0.1), 0.05];
    const baoa = (theta: number, m: number): [number, number] => {
      const pushed = m - 0.1 * theta;
      return [theta + half * pushed * (1 + slow), slow * pushed];
    };
    const after: { readonly [name: string]: (theta: number) => number } = {
      sgld: (theta) => 0.81 * theta,
      sghmc: (theta) => 0.99 * theta + 0.095,
      sgnht: (theta) => 0.99 * theta + 0.095,
      baoa: (theta) => baoa(...baoa(theta, 0.5))[0],
      // Its steps are of one length, √(2 T ε) = 4.5e-7.
      sglrw: (theta) => theta,
    };
    const move = after[name] as (theta: number) => number;
    // Affine, so two points give it.
    const expected = map((theta: tf.Tensor) => tf.add(tf.mul(theta, move(1) - move(0)), move(0)), params);
    expect(state.params).toBeAllClose(expected, { rtol: 1e-5, atol: 5e-6 });
    expect(state.step).toBe(2);
  });

  test('variables: init takes their values, and a state made of them is assigned in place', () => {
    const variable = tf.variable(tf.tensor1d([1, 2]));
    const hyper = pick(name, { learningRate: 0.1, alpha: 1, temperature: 0.5 });
    const transform = samplers[name].build(standard, hyper);
    const state = transform.init(variable, { seed: 0 });
    const [expected] = transform.update(state, null);
    variable.assign(tf.tensor1d([7, 7]));
    expect(state.params).toBeAllClose([1, 2]);
    variable.assign(tf.tensor1d([1, 2]));
    const [same] = transform.update({ ...state, params: variable } as typeof state, null, { inplace: true });
    expect(same.params).toBe(variable);
    expect(variable).toBeAllClose(expected.params);
    variable.dispose();
  });
});

test('sghmc infers a tree of parameters', () => {
  const typed: LogProbFn<{ theta: tf.Tensor }, null, []> = ({ theta }) => [tf.neg(tf.sum(tf.square(theta))), []];
  const state = sghmc.init({ theta: tf.ones([2]) }, { momenta: { theta: tf.zeros([2]) }, seed: 0 });
  const [next] = sghmc.update(state, null, typed, { learningRate: 0.1, temperature: 0 });
  expect(next.momenta.theta).toBeAllClose([-0.2, -0.2]);
});
