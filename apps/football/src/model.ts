/** How the skills of two teams decide a match: ordered logistic regression on their difference, the model behind Elo ratings. */
import * as tf from '@tensorflow/tfjs-core';
import { withAux } from 'posteriors';
import { type Match, type Result, results } from './data.ts';

/** Probabilities of the three results. */
export type Forecast = Readonly<Record<Result, number>>;

/** Where the difference of the skills, with noise on it, turns from one result to the next. */
export interface Cuts {
  /** Below it the away team wins. */
  readonly lower: number;
  /** Above it the home team wins. */
  readonly upper: number;
}

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
const logit = (p: number): number => Math.log(p / (1 - p));

/** The share of each result. */
export function rates(matches: readonly Match[]): Forecast {
  const share = (result: Result): number => matches.filter((match) => match.result === result).length / matches.length;
  return { home: share('home'), draw: share('draw'), away: share('away') };
}

/** Forecasts each match by the rates of all before it; those of the first are a third each. */
export function constantRates(matches: readonly Match[]): Forecast[] {
  const seen = { home: 1, draw: 1, away: 1 };
  return matches.map(({ result }, i) => {
    const count = i + 3;
    const forecast = { home: seen.home / count, draw: seen.draw / count, away: seen.away / count };
    seen[result]++;
    return forecast;
  });
}

/** The cuts by which equal teams have these probabilities. */
export function cutsOf({ home, away }: Forecast): Cuts {
  return { lower: logit(away), upper: -logit(home) };
}

/** Probabilities of the results for a known difference of skills, home less away. */
export function forecastAt(difference: number, { lower, upper }: Cuts): Forecast {
  const home = sigmoid(difference - upper);
  const away = sigmoid(lower - difference);
  return { home, draw: 1 - home - away, away };
}

/** Probabilities of the results where the difference of skills is normal, by the trapezoidal rule over 6 standard deviations to each side. */
export function forecast(mean: number, variance: number, cuts: Cuts): Forecast {
  const total = { home: 0, draw: 0, away: 0 };
  let weights = 0;
  for (let z = -6; z <= 6; z += 0.25) {
    const weight = Math.exp((-z * z) / 2);
    const at = forecastAt(mean + z * Math.sqrt(variance), cuts);
    weights += weight;
    for (const result of results) total[result] += weight * at[result];
  }
  return { home: total.home / weights, draw: total.draw / weights, away: total.away / weights };
}

/** One match, as tensors of one element. */
export type Batch = { readonly home: tf.Tensor; readonly away: tf.Tensor; readonly result: tf.Tensor };

export function batchOf({ home, away, result }: Match): Batch {
  const integer = (value: number): tf.Tensor => tf.tensor1d([value], 'int32');
  return { home: integer(home), away: integer(away), result: integer(results.indexOf(result)) };
}

/** The difference of the skills, which are a tensor `[teams]`. */
export function differenceOf(skills: tf.Tensor, { home, away }: Batch): [difference: tf.Tensor, aux: []] {
  return withAux(tf.sub(tf.gather(skills, home), tf.gather(skills, away)), []);
}

/** The log probability of each result given the difference of skills: `[matches]`, concave in it. */
export function logProbs(difference: tf.Tensor, { result }: Batch, { lower, upper }: Cuts): tf.Tensor {
  const home = tf.logSigmoid(tf.sub(difference, upper));
  const away = tf.logSigmoid(tf.sub(lower, difference));
  // σ(b) - σ(a) = σ(b) σ(-a) (1 - exp(a - b)), where a < b are the cuts seen from the difference.
  const between = tf.add(tf.logSigmoid(tf.sub(upper, difference)), tf.logSigmoid(tf.sub(difference, lower)));
  const draw = tf.add(between, Math.log(1 - Math.exp(lower - upper)));
  const chosen = tf.oneHot(result as tf.Tensor1D, results.length);
  return tf.sum(tf.mul(chosen, tf.stack([home, draw, away], -1)), -1);
}
