/** Skills that follow the results from match to match, and what each match was forecast to be before it was played. */
import * as tf from '@tensorflow/tfjs-core';
import { ekf, type Transform, withAux } from 'posteriors';
import type { League, Match } from './data.ts';
import { type Batch, batchOf, type Cuts, differenceOf, type Forecast, forecast, logProbs } from './model.ts';

/** How skills spread and move; one unit is a difference that multiplies the odds by e. */
export interface Settings {
  /** Standard deviation of the skills at the start, around 0. */
  readonly spread: number;
  /** Standard deviation by which a skill moves in a day. */
  readonly drift: number;
}

interface State {
  readonly params: tf.Tensor;
  readonly sdDiag?: tf.Tensor;
  readonly cov?: tf.Tensor;
  dispose(): void;
}

/** An extended Kalman filter, and how it is told of the days since the match before. */
export interface Filter {
  readonly transform: Transform<tf.Tensor, State, Batch, []>;
  transition(variance: number): object;
}

export type FilterName = 'diagFisher' | 'denseFisher' | 'diagGgn' | 'denseGgn';

export function makeFilter(name: FilterName, cuts: Cuts, { spread }: Settings): Filter {
  const each = (skills: tf.Tensor, batch: Batch): [tf.Tensor, []] =>
    withAux(logProbs(differenceOf(skills, batch)[0], batch, cuts), []);
  const total = (difference: tf.Tensor, batch: Batch): tf.Tensor => tf.sum(logProbs(difference, batch, cuts));
  const diag = { learningRate: 1, initSds: spread };
  const dense = { learningRate: 1, initCov: spread ** 2 };
  const transforms = {
    diagFisher: () => ekf.diagFisher.build(each, { ...diag, perSample: true }),
    denseFisher: () => ekf.denseFisher.build(each, { ...dense, perSample: true }),
    diagGgn: () => ekf.diagGgn.build(differenceOf, total, diag),
    denseGgn: () => ekf.denseGgn.build(differenceOf, total, dense),
  };
  return {
    transform: transforms[name]() as unknown as Filter['transform'],
    transition: (variance) =>
      name.startsWith('diag') ? { transitionSd: Math.sqrt(variance) } : { transitionCov: variance },
  };
}

/** The state after a match, and the forecast before it. */
export interface Step {
  readonly match: Match;
  readonly forecast: Forecast;
  /** Means and standard deviations of the skills of all teams. */
  readonly means: Float32Array;
  readonly sds: Float32Array;
}

/** Filters the matches one by one. */
export function* follow(filter: Filter, { teams, matches }: League, cuts: Cuts, { drift }: Settings): Generator<Step> {
  const start = tf.zeros([teams.length]);
  const state = filter.transform.init(start, { seed: 0 });
  start.dispose();
  let before = matches[0]?.day ?? 0;
  let skills = read(state);
  for (const match of matches) {
    const moved = drift ** 2 * (match.day - before);
    before = match.day;
    const { mean, variance } = skills.difference(match);
    const expected = forecast(mean, variance + 2 * moved, cuts);
    const batch = batchOf(match);
    filter.transform.update(state, batch, { inplace: true, hyper: filter.transition(moved) });
    tf.dispose(batch);
    skills = read(state);
    yield { match, forecast: expected, means: skills.means, sds: skills.sds };
  }
  state.dispose();
}

interface Skills {
  readonly means: Float32Array;
  readonly sds: Float32Array;
  /** Mean and variance of the skill of the home team less that of the away team. */
  difference(match: Match): { readonly mean: number; readonly variance: number };
}

function read({ params, sdDiag, cov }: State): Skills {
  const means = params.dataSync() as Float32Array;
  const n = means.length;
  const values = (cov ?? sdDiag)?.dataSync() as Float32Array;
  const covariance = (i: number, j: number): number => {
    if (cov !== undefined) return values[i * n + j] as number;
    return i === j ? (values[i] as number) ** 2 : 0;
  };
  return {
    means: means.slice(),
    sds: Float32Array.from(means, (_, i) => Math.sqrt(covariance(i, i))),
    difference: ({ home, away }) => ({
      mean: (means[home] as number) - (means[away] as number),
      variance: covariance(home, home) + covariance(away, away) - 2 * covariance(home, away),
    }),
  };
}
