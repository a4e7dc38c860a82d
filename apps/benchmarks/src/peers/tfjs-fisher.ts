/** Empirical Fisher matrices in TensorFlow.js without a library: a gradient for each example, one after the other. */
import * as tf from '@tensorflow/tfjs';
import type { Run } from '../tensor-contender.ts';
import { disposeTensors, stateTensors } from '../tensors.ts';
import {
  type CurvatureWorkload,
  type Ekf,
  type Likelihood,
  mapNamed,
  type Named,
  type Point,
} from '../workloads/workload.ts';
import { variable } from './tfjs-samplers.ts';

type Tensors = Named<tf.Tensor>;

export function beginFisher(model: Likelihood, algorithm: CurvatureWorkload['algorithm'], start: Point): Run {
  const params = mapNamed(stateTensors(start.params, model.params), (leaf) => variable(leaf));
  switch (algorithm.name) {
    case 'laplace.diagFisher':
      return diagonal(params, 0, (precisions, batch) => {
        const { squares } = sums(model, params, batch);
        for (const [name, leaf] of Object.entries(precisions)) leaf.assign(tf.add(leaf, squares[name]!));
      });
    case 'ekf.diagFisher':
      return diagonal(params, algorithm.initSd, (sds, batch) => filter(model, params, sds, algorithm, batch));
    case 'laplace.denseFisher':
      return dense(model, params);
    default:
      throw new Error(`beginFisher: ${algorithm.name} is not written with tfjs`);
  }
}

function diagonal(
  params: Named<tf.Variable>,
  initial: number,
  update: (diagonal: Named<tf.Variable>, batch: Tensors) => void,
): Run {
  const values = mapNamed(params, (leaf) => variable(tf.fill(leaf.shape, initial)));
  return {
    step: (batch) => tf.tidy(() => update(values, batch)),
    state: () => ({ params, companions: values }),
    dispose() {
      disposeTensors(params);
      disposeTensors(values);
    },
  };
}

function filter(
  model: Likelihood,
  params: Named<tf.Variable>,
  sds: Named<tf.Variable>,
  { learningRate, transitionSd }: Ekf,
  batch: Tensors,
): void {
  const { gradient, squares, examples } = sums(model, params, batch);
  const rate = learningRate / examples;
  for (const [name, mean] of Object.entries(params)) {
    const sd = sds[name] as tf.Variable;
    const predicted = tf.add(tf.square(sd), transitionSd ** 2);
    const variance = tf.div(1, tf.add(tf.div(1, predicted), tf.mul(rate, squares[name]!)));
    sd.assign(tf.sqrt(variance));
    mean.assign(tf.add(mean, tf.mul(tf.mul(rate, variance), gradient[name]!)));
  }
}

function dense(model: Likelihood, params: Named<tf.Variable>): Run {
  const size = Object.values(params).reduce((sum, leaf) => sum + leaf.size, 0);
  const matrix = variable(tf.zeros([size, size]));
  const names = Object.keys(params).sort();
  return {
    step: (batch) =>
      tf.tidy(() => {
        const rows = Array.from(gradients(model, params, batch), (gradient) =>
          tf.concat(names.map((name) => tf.reshape(gradient[name]!, [-1]))),
        );
        const jacobian = tf.stack(rows) as tf.Tensor2D;
        matrix.assign(tf.add(matrix, tf.matMul(jacobian, jacobian, true)));
      }),
    state: () => ({ params, companions: { matrix } }),
    dispose() {
      disposeTensors(params);
      matrix.dispose();
    },
  };
}

function sums(
  model: Likelihood,
  params: Named<tf.Variable>,
  batch: Tensors,
): { readonly gradient: Tensors; readonly squares: Tensors; readonly examples: number } {
  let gradient: Tensors = mapNamed(params, (leaf) => tf.zerosLike(leaf));
  let squares = gradient;
  let examples = 0;
  for (const each of gradients(model, params, batch)) {
    [gradient, squares] = tf.tidy(() => [
      mapNamed(gradient, (leaf, name) => tf.add(leaf, each[name]!)),
      mapNamed(squares, (leaf, name) => tf.add(leaf, tf.square(each[name]!))),
    ]);
    examples++;
  }
  return { gradient, squares, examples };
}

/** The gradient of each example, in the scope that is open. */
function* gradients(model: Likelihood, params: Named<tf.Variable>, batch: Tensors): Generator<Tensors> {
  const variables = Object.values(params);
  const examples = Object.values(batch)[0]?.shape[0] ?? 0;
  for (let i = 0; i < examples; i++) {
    const one = mapNamed(batch, (leaf) => tf.slice(leaf, i, 1));
    const { grads } = tf.variableGrads(() => model.eagerLogLikelihood(params, one) as tf.Scalar, variables);
    yield mapNamed(params, (leaf) => grads[leaf.name] as tf.Tensor);
  }
}
