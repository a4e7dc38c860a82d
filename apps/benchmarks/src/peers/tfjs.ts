/** TensorFlow.js as one writes it without a library: eager ops, `variableGrads`, `randomNormal` and an update by hand. */
import * as tf from '@tensorflow/tfjs';
import { startOf } from '../check.ts';
import type { Contender } from '../contender.ts';
import { disposeTensors, readTensors, stateTensors, toTensors } from '../tensors.ts';
import { mapNamed, type Named, type Point, type Sghmc, type ViDiag, type Workload } from '../workloads/workload.ts';

/** A state of its own: variables, and what takes one step. */
interface Run {
  readonly params: Named<tf.Variable>;
  readonly companions: Named<tf.Variable>;
  /** One step, and the log posterior or the NELBO, the caller's. */
  readonly step: () => tf.Tensor;
  readonly dispose: () => void;
}

export function tfjsEager(workload: Workload): Contender {
  const { model, algorithm } = workload;
  const batch = toTensors(model.batch);
  const begin = (start: Point, temperature: number): Run => {
    const [params, companions] = [start.params, start.companions].map((numbers) =>
      mapNamed(stateTensors(numbers, model.params), (leaf) => variable(leaf)),
    ) as [Named<tf.Variable>, Named<tf.Variable>];
    const logPosterior = (at: Named<tf.Tensor>): tf.Scalar => model.eagerLogPosterior(at, batch) as tf.Scalar;
    return algorithm.name === 'sghmc'
      ? sghmc(logPosterior, params, companions, { ...algorithm, temperature })
      : viDiag(logPosterior, params, companions, { ...algorithm, temperature });
  };

  const timed = begin(startOf(workload), algorithm.temperature);
  return {
    name: 'tfjs eager',
    version: tf.version.tfjs,
    async advance(start, temperature, steps) {
      const run = begin(start, temperature);
      for (let i = 0; i < steps; i++) run.step().dispose();
      const point = { params: await readTensors(run.params), companions: await readTensors(run.companions) };
      run.dispose();
      return point;
    },
    async time(calls) {
      const start = performance.now();
      for (let i = 1; i < calls; i++) timed.step().dispose();
      const last = timed.step();
      await last.data();
      last.dispose();
      return performance.now() - start;
    },
    close() {
      timed.dispose();
      disposeTensors(batch);
    },
  };
}

type LogPosterior = (params: Named<tf.Tensor>) => tf.Scalar;

function sghmc(
  logPosterior: LogPosterior,
  params: Named<tf.Variable>,
  momenta: Named<tf.Variable>,
  { learningRate, alpha, temperature }: Sghmc,
): Run {
  const noiseSd = Math.sqrt(2 * alpha * temperature * learningRate);
  const variables = Object.values(params);
  return {
    params,
    companions: momenta,
    step: () =>
      tf.tidy(() => {
        const { value, grads } = tf.variableGrads(() => logPosterior(params), variables);
        for (const [name, theta] of Object.entries(params)) {
          const momentum = momenta[name] as tf.Variable;
          const drift = tf.mul(learningRate, momentum);
          const force = tf.mul(learningRate, grads[theta.name] as tf.Tensor);
          const noise = tf.randomNormal(theta.shape, 0, noiseSd);
          theta.assign(tf.add(theta, drift));
          momentum.assign(tf.add(tf.sub(tf.add(momentum, force), tf.mul(alpha, drift)), noise));
        }
        return value;
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
    params: means,
    companions: logSds,
    step: () =>
      tf.tidy(() => {
        // Outside of the gradient: log q is of a fixed q (stick the landing).
        const fixed = mapNamed(means, (mean, name) => ({
          mean: tf.clone(mean),
          sd: tf.exp(logSds[name] as tf.Variable),
        }));
        const entropy = tf.addN(Object.values(logSds).map((leaf) => tf.sum(leaf)));
        const { value, grads } = tf.variableGrads(() => {
          const draw = mapNamed(means, (mean, name) =>
            tf.add(mean, tf.mul(tf.exp(logSds[name] as tf.Variable), tf.randomNormal(mean.shape))),
          );
          const squares = Object.entries(fixed).map(([name, { mean, sd }]) =>
            tf.sum(tf.square(tf.div(tf.sub(draw[name] as tf.Tensor, mean), sd))),
          );
          const logQ = tf.sub(tf.mul(-0.5, tf.addN(squares)), entropy);
          return tf.sub(tf.mul(temperature, logQ), logPosterior(draw)) as tf.Scalar;
        }, variables);
        optimizer.applyGradients(grads as Parameters<typeof optimizer.applyGradients>[0]);
        return value;
      }),
    dispose: () => {
      optimizer.dispose();
      disposeTensors(means);
      disposeTensors(logSds);
    },
  };
}

/** The tensor as a variable; the tensor itself is freed. */
function variable(tensor: tf.Tensor): tf.Variable {
  const result = tf.variable(tensor);
  tensor.dispose();
  return result;
}
