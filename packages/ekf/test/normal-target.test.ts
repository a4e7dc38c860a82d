// A correlated normal log likelihood of three parameters in a tree, which says the same of each of three examples.
import '@posteriors/backend/cpu';
import { setBackend } from '@posteriors/backend';
import '@posteriors/testing';
import { type Transform, withAux } from '@posteriors/transform';
import { ravel } from '@posteriors/tree';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import { denseFisher, diagFisher } from '../src/index.ts';
import { flat, numbers } from './model.ts';

await setBackend('cpu');

type Params = { readonly [name in '0' | '1' | '2']: tf.Tensor };
const mean = [0.34, 0.13, 0.23];
/** The factor U of a precision UᵀU; the log density is -|U (θ - mean)|² / 2 and a constant. */
const factor = [[1.1, -0.4, 0.2], [0, 0.9, 0.5], [0, 0, 0.7]]; // biome-ignore format: a matrix
const logLikelihood = (p: Params, _: tf.Tensor): [tf.Tensor, []] => {
  const offset = tf.reshape(tf.sub(ravel(p).flat, tf.tensor1d(mean)), [3, 1]);
  const constant = Math.log(1.1 * 0.9 * 0.7) - 1.5 * Math.log(2 * Math.PI);
  return withAux(tf.add(tf.mul(-0.5, tf.sum(tf.square(tf.matMul(tf.tensor2d(factor), offset)))), constant), []);
};
const start = (): Params => ({ '0': tf.scalar(0), '1': tf.scalar(0), '2': tf.scalar(0) });
const batch = (): tf.Tensor => tf.tensor2d([[0], [1], [2]]);

interface State {
  readonly params: Params;
  readonly logLikelihood: tf.Tensor;
  readonly step: number;
}
type Rate = number | ((step: number) => number);
const builds = {
  diagFisher: (learningRate: Rate) => diagFisher.build(logLikelihood, { learningRate }),
  denseFisher: (learningRate: Rate) => denseFisher.build(logLikelihood, { learningRate }),
} as unknown as { readonly [name: string]: (learningRate: Rate) => Transform<Params, State, tf.Tensor, []> };

describe.each(Object.entries(builds))('%s', (name, build) => {
  test('finds the mean to 1e-5 in 1,000 steps', () => {
    const transform = build(0.1);
    const state = transform.init(start(), { seed: 0 });
    const data = batch();
    transform.update(state, data, { inplace: true });
    const first = numbers(state.logLikelihood)[0] as number;
    for (let i = 1; i < 1000; i++) transform.update(state, data, { inplace: true });
    expect(flat(state.params), name).toBeAllClose(mean, { rtol: 1e-5, atol: 1e-8 });
    expect(numbers(state.logLikelihood)[0]).toBeGreaterThan(first);
  });

  test('in place equals pure, by a learning rate that decays', () => {
    const transform = build((step) => 0.1 * (step + 1) ** -0.33);
    const [pure, inplace] = [transform.init(start(), { seed: 0 }), transform.init(start(), { seed: 0 })];
    const [next] = transform.update(pure, batch());
    const [same] = transform.update(inplace, batch(), { inplace: true });
    expect(same).toBe(inplace);
    expect([pure.step, next.step, inplace.step]).toEqual([0, 1, 1]);
    const { dispose: _, ...fields } = next as State & { dispose: unknown };
    expect({ ...inplace }).toBeAllClose({ ...fields }, { rtol: 0, atol: 0 });
    expect(flat(pure.params)).toEqual([0, 0, 0]);
  });
});
