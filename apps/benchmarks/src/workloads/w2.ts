import * as tf from '@tensorflow/tfjs';
import { bernoulliLogProb, diagNormalLogProb } from 'posteriors';
import { loadPima } from './pima.ts';
import type { Named, Posterior, PosteriorWorkload } from './workload.ts';

/** Logistic regression with a standard normal prior on its weights. */
async function logistic(): Promise<Posterior> {
  const { inputs, labels, shape } = await loadPima();
  const [count, columns] = shape;
  const logits = ({ weights }: Named<tf.Tensor>, { inputs }: Named<tf.Tensor>): tf.Tensor =>
    tf.reshape(tf.matMul(inputs as tf.Tensor2D, tf.reshape(weights as tf.Tensor, [columns, 1])), [count]);

  return {
    name: 'logistic',
    params: { weights: { shape: [columns], values: new Float32Array(columns).fill(0.1) } },
    batches: [{ inputs: { shape, values: inputs }, labels: { shape: [count], values: labels } }],
    numData: count,
    logPosterior: (params, batch) => {
      const logLikelihood = tf.mean(bernoulliLogProb(logits(params, batch), batch.labels as tf.Tensor));
      return tf.add(logLikelihood, tf.div(diagNormalLogProb(params, 0, 1, { normalize: false }), count));
    },
    eagerLogPosterior: (params, batch) => {
      const loss = tf.losses.sigmoidCrossEntropy(batch.labels as tf.Tensor1D, logits(params, batch) as tf.Tensor1D);
      const prior = tf.mul(-0.5 / count, tf.sum(tf.square(params.weights as tf.Tensor)));
      return tf.sub(prior, loss as tf.Scalar);
    },
    gradient: ({ weights = new Float64Array() }) => {
      const gradient = weights.map((weight) => -weight / count);
      for (let row = 0; row < count; row++) {
        const input = inputs.subarray(row * columns, (row + 1) * columns);
        const logit = input.reduce((sum, value, column) => sum + value * (weights[column] as number), 0);
        const residual = (labels[row] as number) - 1 / (1 + Math.exp(-logit));
        input.forEach((value, column) => {
          gradient[column] = (gradient[column] as number) + (residual * value) / count;
        });
      }
      return { weights: gradient };
    },
  };
}

export async function load(): Promise<PosteriorWorkload> {
  const model = await logistic();
  return {
    name: 'W2',
    title: 'Pima logistic regression, N = 768, d = 8, full batch: one SGHMC step',
    kind: 'posterior',
    model,
    algorithm: { name: 'sghmc', learningRate: 0.3, alpha: 1, temperature: 1 / model.numData },
  };
}
