// Runs a sampler on an ensemble of independent dimensions until it is stationary.
import { normalLike } from '@posteriors/distributions';
import { key } from '@posteriors/random';
import { type LogProbFn, withAux } from '@posteriors/transform';
import * as tf from '@tensorflow/tfjs-core';
import { type Law, type Problem, startVariance, stationaryLaw } from './laws.ts';
import { expectMoments, type Name, pick, type State, samplers, standard, updated } from './samplers.ts';

/** The standard normal target with noise of a variance in each element of the gradient, drawn from the key that a log posterior gets. */
const noisy = (variance: number): LogProbFn<tf.Tensor, null, []> => {
  const sd = Math.sqrt(variance);
  return (theta, batch, context) => {
    const [value] = standard(theta, batch, context);
    return withAux(tf.add(value, tf.sum(tf.mul(tf.mul(sd, normalLike(context.key, theta)), theta))), []);
  };
};

export interface Stationary {
  readonly state: State<tf.Tensor>;
  readonly law: Law;
}

/** A state of `size` dimensions that has run until it is stationary, as the law of the discrete steps tells. */
export function runUntilStationary(name: Name, size: number, problem: Problem, seed: number): Stationary {
  const { law, steps } = stationaryLaw(name, problem);
  const { gradientNoise = 0, ...hyper } = problem;
  const logPosterior = gradientNoise === 0 ? standard : noisy(gradientNoise);
  const transform = samplers[name].build(logPosterior, pick(name, hyper));
  const params = tf.mul(Math.sqrt(startVariance(problem)), normalLike(key(seed), tf.zeros([size])));
  return { law, state: updated(transform, transform.init(params, { seed: seed + 1 }), steps) };
}

/** Expects means 0 and the variances of the law, to 4 standard errors of independent normal draws: 4 √(2 / size) of a variance. */
export function expectLaw({ state, law }: Stationary): void {
  expectMoments(state.params, { mean: 0, variance: law.params });
  if (state.momenta) expectMoments(state.momenta, { mean: 0, variance: law.momenta });
}
