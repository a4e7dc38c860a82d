import type { LogProbFn, Transform } from '@posteriors/transform';
import * as tf from '@tensorflow/tfjs-core';
import { describe } from 'vitest';
import { badInput } from '../../transform/test/bad-input.ts';
import { conformance, type Params } from '../../transform/test/conformance.ts';
import { denseFisher, denseGgn, diagFisher, diagGgn } from '../src/index.ts';

const learningRate = (step: number): number => 0.5 / (step + 1);

const withDiagFisher = <B, A>(
  logLikelihood: LogProbFn<Params, B, A>,
): Transform<Params, diagFisher.State<Params>, B, A, diagFisher.Hyper> =>
  diagFisher.build(logLikelihood, { learningRate, transitionSd: 0.1, initSds: 0.5 });

const withDenseFisher = <B, A>(
  logLikelihood: LogProbFn<Params, B, A>,
): Transform<Params, denseFisher.State<Params>, B, A, denseFisher.Hyper> =>
  denseFisher.build(logLikelihood, { learningRate, transitionCov: 0.01, initCov: 0.25 });

conformance('ekf.diagFisher', withDiagFisher, { perSample: true, random: false });
badInput('ekf.diagFisher', withDiagFisher);
conformance('ekf.denseFisher', withDenseFisher, { perSample: true, random: false });
badInput('ekf.denseFisher', withDenseFisher);

/** Of a log density that takes the place of the model's outputs: concave, as outer log likelihoods must be. */
const outer = (z: tf.Tensor): tf.Tensor => tf.mul(-0.25, tf.square(tf.sub(z, 1)));

const withDiagGgn = <B, A>(
  forward: LogProbFn<Params, B, A>,
): Transform<Params, diagGgn.State<Params>, B, A, diagGgn.Hyper> =>
  diagGgn.build(forward, outer, { learningRate, transitionSd: 0.1, initSds: 0.5 });

const withDenseGgn = <B, A>(
  forward: LogProbFn<Params, B, A>,
): Transform<Params, denseGgn.State<Params>, B, A, denseGgn.Hyper> =>
  denseGgn.build(forward, outer, { learningRate, transitionCov: 0.01, initCov: 0.25 });

conformance('ekf.diagGgn', withDiagGgn, { random: false });
badInput('ekf.diagGgn', withDiagGgn);
conformance('ekf.denseGgn', withDenseGgn, { random: false });
badInput('ekf.denseGgn', withDenseGgn);

/** The log density of a batch as a vector of one. What is no log density is passed on, to be refused. */
const asVector = <B, A>(logProb: LogProbFn<Params, B, A>): LogProbFn<Params, B, A> => {
  return (params, batch, context) => {
    const result = logProb(params, batch, context);
    const [value, aux] = result;
    return value instanceof tf.Tensor && value.rank === 0 ? [tf.reshape(value, [1]), aux] : result;
  };
};

describe('perSample', () => {
  conformance(
    'ekf.diagFisher',
    (logLikelihood) => diagFisher.build(asVector(logLikelihood), { learningRate, perSample: true }),
    { random: false },
  );
});
