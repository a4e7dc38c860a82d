import * as tf from '@tensorflow/tfjs';
import { mapNamed, type Posterior, type Workload } from './workload.ts';

/** log p = sum of x² - x⁴ / 10: two wells in each of two dimensions. */
const doubleWell: Posterior = {
  name: 'doubleWell',
  params: { x: { shape: [2], values: Float32Array.of(0.5, -1.5) } },
  batches: [{}],
  numData: 1,
  logPosterior: density,
  eagerLogPosterior: density,
  gradient: (params) => mapNamed(params, (x) => x.map((value) => 2 * value - 0.4 * value ** 3)),
};

function density({ x }: { readonly [name: string]: tf.Tensor }): tf.Tensor {
  const square = tf.square(x as tf.Tensor);
  return tf.sum(tf.sub(square, tf.mul(0.1, tf.square(square))));
}

export async function load(): Promise<Workload> {
  return {
    name: 'W1',
    title: 'double well, d = 2: one SGHMC step',
    kind: 'posterior',
    model: doubleWell,
    algorithm: { name: 'sghmc', learningRate: 5e-2, alpha: 1, temperature: 1 },
  };
}
