import * as tf from '@tensorflow/tfjs';
import { loadPremierLeague, results } from '../../../football/src/data.ts';
import { cutsOf, forecastAt, rates } from '../../../football/src/model.ts';
import type { Likelihood, Named, Values } from './workload.ts';

const CHOICES = results.length;

/** Ordered logistic regression on the difference of the skills of two teams: the English Premier League, a match a batch. */
export async function loadFootball(): Promise<Likelihood> {
  const { teams, matches } = await loadPremierLeague();
  const { lower, upper } = cutsOf(rates(matches));
  const float = (value: number): Values => ({ shape: [1], values: Float32Array.of(value) });
  const integer = (value: number): Values => ({ shape: [1], values: Int32Array.of(value) });
  return {
    name: 'football',
    params: { skills: { shape: [teams.length], values: new Float32Array(teams.length) } },
    batches: matches.map(({ home, away, result }) => ({
      home: integer(home),
      away: integer(away),
      chosen: { shape: [1, CHOICES], values: Float32Array.from(results, (each) => (each === result ? 1 : 0)) },
      lower: float(lower),
      upper: float(upper),
    })),
    forward: difference,
    outer: logLikelihoods,
    eagerLogLikelihood: (params, batch) => tf.sum(logLikelihoods(difference(params, batch), batch)),
    *gradients({ skills }, batch) {
      const [home, away] = [batch.home!.values[0]!, batch.away!.values[0]!];
      const slope = slopeAt(skills![home]! - skills![away]!, batch);
      const gradient = new Float64Array(teams.length);
      gradient[home] = slope;
      gradient[away] = -slope;
      yield gradient;
    },
  };
}

function difference({ skills }: Named<tf.Tensor>, { home, away }: Named<tf.Tensor>): tf.Tensor {
  return tf.sub(tf.gather(skills!, home as tf.Tensor1D), tf.gather(skills!, away as tf.Tensor1D));
}

function logLikelihoods(outputs: tf.Tensor, { chosen, lower, upper }: Named<tf.Tensor>): tf.Tensor {
  const home = logSigmoid(tf.sub(outputs, upper!));
  const away = logSigmoid(tf.sub(lower!, outputs));
  const between = tf.add(logSigmoid(tf.sub(upper!, outputs)), logSigmoid(tf.sub(outputs, lower!)));
  const draw = tf.add(between, tf.log1p(tf.neg(tf.exp(tf.sub(lower!, upper!)))));
  return tf.sum(tf.mul(chosen!, tf.stack([home, draw, away], -1)), -1);
}

/** Not by `tf.logSigmoid`: its gradient in tfjs needs an input that is no longer there. */
function logSigmoid(x: tf.Tensor): tf.Tensor {
  return tf.neg(tf.softplus(tf.neg(x)));
}

/** The derivative of the log likelihood by the difference of the skills. */
function slopeAt(at: number, { chosen, lower, upper }: Named<Values>): number {
  const { home, away } = forecastAt(at, { lower: lower!.values[0]!, upper: upper!.values[0]! });
  // d log σ(x) = 1 - σ(x)
  const slopes = { home: 1 - home, draw: away - home, away: away - 1 };
  return results.reduce((sum, result, i) => sum + chosen!.values[i]! * slopes[result], 0);
}
