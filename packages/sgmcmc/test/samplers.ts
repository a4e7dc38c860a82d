// The samplers in one form, for tests that hold for all of them, and ensembles of independent dimensions.
import '@posteriors/backend/cpu';
import '@posteriors/backend/wasm';
import '@posteriors/testing';
import {
  disposeTensors,
  type HyperParameter,
  type InitOptions,
  type LogProbFn,
  type Transform,
  type UpdateOptions,
  withAux,
} from '@posteriors/transform';
import type { TensorTree } from '@posteriors/tree';
import * as tf from '@tensorflow/tfjs-core';
import { expect } from 'vitest';
import * as sgmcmc from '../src/index.ts';

export type Name = keyof typeof sgmcmc;
export type Hyper = { readonly [name: string]: HyperParameter };
export interface State<P> {
  readonly params: P;
  readonly momenta?: P;
  readonly xi?: tf.Tensor;
  readonly logPosterior: tf.Tensor;
  readonly key: Uint32Array | tf.Tensor;
  readonly step: number;
  dispose(): void;
}

interface Sampler {
  build<P extends TensorTree, B, A>(
    logPosterior: LogProbFn<P, B, A>,
    config: object,
  ): Transform<P, State<P>, B, A, Hyper>;
  init<P extends TensorTree>(params: P, options?: InitOptions & object): State<P>;
  update<P extends TensorTree, B, A>(
    state: State<P>,
    batch: B,
    logPosterior: LogProbFn<P, B, A>,
    hyper: object,
    options?: UpdateOptions<Hyper>,
  ): [State<P>, A];
}

export const samplers = sgmcmc as unknown as { readonly [name in Name]: Sampler };

/** The hyper-parameters of each, with those of its options that come after them. */
export const takes: { readonly [name in Name]: readonly string[] } = {
  baoa: ['learningRate', 'alpha', 'sigma', 'temperature', 'momenta'],
  sghmc: ['learningRate', 'alpha', 'beta', 'sigma', 'temperature', 'momenta'],
  sgld: ['learningRate', 'beta', 'temperature'],
  sglrw: ['learningRate', 'temperature'],
  sgnht: ['learningRate', 'alpha', 'beta', 'sigma', 'temperature', 'momenta', 'xi'],
};
export const names = Object.keys(takes) as Name[];
export const withMomenta: readonly Name[] = names.filter((name) => takes[name].includes('momenta'));
export const withBeta: readonly Name[] = names.filter((name) => takes[name].includes('beta'));

/** Those of the given options that a sampler takes. */
export const pick = <T>(name: Name, options: { readonly [option: string]: T }): { readonly [option: string]: T } =>
  Object.fromEntries(Object.entries(options).filter(([option]) => takes[name].includes(option)));

/** The values of a state, to the bit. */
export const read = (state: object): object =>
  Object.fromEntries(
    Object.entries(state).map(([field, value]) => [field, value instanceof tf.Tensor ? value.arraySync() : value]),
  );

/** Updates in place, `count` times. */
export const updated = <S, A>(
  transform: { update(state: S, batch: null, options: object): readonly [S, A] },
  state: S,
  count: number,
): S => {
  for (let i = 0; i < count; i++) disposeTensors(transform.update(state, null, { inplace: true })[1]);
  return state;
};

/** Independent normal targets of curvature 1, one in each dimension. */
export const standard: LogProbFn<tf.Tensor, null, []> = (theta) => withAux(tf.mul(-0.5, tf.sum(tf.square(theta))), []);

/** The mean and the variance of a tensor's elements, in float64. */
export const moments = (
  draws: tf.Tensor,
): { readonly mean: number; readonly variance: number; readonly count: number } => {
  const values = draws.dataSync<'float32'>();
  const count = values.length;
  const mean = values.reduce((sum, x) => sum + x, 0) / count;
  return { mean, variance: values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / count, count };
};

/** Expects a mean and a variance, both to 4 standard errors of independent normal draws: √(v / n) and v √(2 / n). */
export const expectMoments = (
  draws: tf.Tensor,
  expected: { readonly mean: number; readonly variance: number },
): void => {
  const { mean, variance, count } = moments(draws);
  expect(Math.abs(mean - expected.mean)).toBeLessThan(4 * Math.sqrt(expected.variance / count));
  expect(Math.abs(variance / expected.variance - 1)).toBeLessThan(4 * Math.sqrt(2 / count));
};
