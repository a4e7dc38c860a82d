/** Samplers in TensorFlow.js as one writes them without a library: eager ops, `variableGrads`, `randomNormal` and an update by hand. */
import * as tf from '@tensorflow/tfjs';
import type { Run } from '../tensor-contender.ts';
import { disposeTensors, stateTensors } from '../tensors.ts';
import {
  mapNamed,
  type Named,
  type Point,
  type Posterior,
  type PosteriorWorkload,
  type Sghmc,
  type ViDiag,
} from '../workloads/workload.ts';

type LogPosterior = (params: Named<tf.Tensor>, batch: Named<tf.Tensor>) => tf.Scalar;

export function beginSampler(model: Posterior, algorithm: PosteriorWorkload['algorithm'], start: Point): Run {
  const [params, companions] = [start.params, start.companions].map((numbers) =>
    mapNamed(stateTensors(numbers, model.params), (leaf) => variable(leaf)),
  ) as [Named<tf.Variable>, Named<tf.Variable>];
  const logPosterior = model.eagerLogPosterior as LogPosterior;
  return algorithm.name === 'sghmc'
    ? sghmc(logPosterior, params, companions, algorithm)
    : viDiag(logPosterior, params, companions, algorithm);
}

function sghmc(
  logPosterior: LogPosterior,
  params: Named<tf.Variable>,
  momenta: Named<tf.Variable>,
  { learningRate, alpha, temperature }: Sghmc,
): Run {
  const noiseSd = Math.sqrt(2 * alpha * temperature * learningRate);
  const variables = Object.values(params);
  return {
    state: () => ({ params, companions: momenta }),
    step: (batch) =>
      tf.tidy(() => {
        const { grads } = tf.variableGrads(() => logPosterior(params, batch), variables);
        for (const [name, theta] of Object.entries(params)) {
          const momentum = momenta[name] as tf.Variable;
          const drift = tf.mul(learningRate, momentum);
          const force = tf.mul(learningRate, grads[theta.name] as tf.Tensor);
          const noise = tf.randomNormal(theta.shape, 0, noiseSd);
          theta.assign(tf.add(theta, drift));
          momentum.assign(tf.add(tf.sub(tf.add(momentum, force), tf.mul(alpha, drift)), noise));
        }
      }),
    dispose: () => {
      disposeTensors(params);
      disposeTensors(momenta);
    },
  };
}

function viDiag(
  logPosterior: LogPosterior,
  means: Named<tf.Variable>,
  logSds: Named<tf.Variable>,
  { learningRate, temperature }: ViDiag,
): Run {
  const optimizer = tf.train.adam(learningRate, 0.9, 0.999, 1e-8);
  const variables = [...Object.values(means), ...Object.values(logSds)];
  return {
    state: () => ({ params: means, companions: logSds }),
    step: (batch) =>
      tf.tidy(() => {
        // Outside of the gradient: log q is of a fixed q (stick the landing).
        const fixed = mapNamed(means, (mean, name) => ({
          mean: tf.clone(mean),
          sd: tf.exp(logSds[name] as tf.Variable),
        }));
        const entropy = tf.addN(Object.values(logSds).map((leaf) => tf.sum(leaf)));
        const { grads } = tf.variableGrads(() => {
          const draw = mapNamed(means, (mean, name) =>
            tf.add(mean, tf.mul(tf.exp(logSds[name] as tf.Variable), tf.randomNormal(mean.shape))),
          );
          const squares = Object.entries(fixed).map(([name, { mean, sd }]) =>
            tf.sum(tf.square(tf.div(tf.sub(draw[name] as tf.Tensor, mean), sd))),
          );
          const logQ = tf.sub(tf.mul(-0.5, tf.addN(squares)), entropy);
          return tf.sub(tf.mul(temperature, logQ), logPosterior(draw, batch)) as tf.Scalar;
        }, variables);
        optimizer.applyGradients(grads as Parameters<typeof optimizer.applyGradients>[0]);
      }),
    dispose: () => {
      optimizer.dispose();
      disposeTensors(means);
      disposeTensors(logSds);
    },
  };
}

/** The tensor as a variable; the tensor itself is freed. */
export function variable(tensor: tf.Tensor): tf.Variable {
  const result = tf.variable(tensor);
  tensor.dispose();
  return result;
}
