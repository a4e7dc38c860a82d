import type { MatrixStack } from './array.ts';
import { readSamples } from './internal/read.ts';

/** Predicted probabilities of shape `[n, k]`, ready for every metric that takes a matrix. */
export type Prediction = {
  readonly values: Float64Array;
  readonly shape: readonly [examples: number, classes: number];
};

/** Uncertainty of each example in nats, each array of shape `[n]`; `total` is the sum of the other two. */
export type EntropySplit = {
  /** Entropy of the mean prediction. */
  readonly total: Float64Array;
  /** Mean entropy of the draws' predictions: noise in the data that no more training removes. */
  readonly aleatoric: Float64Array;
  /** Mutual information of label and parameters: doubt about the parameters, large away from the training data. */
  readonly epistemic: Float64Array;
};

/**
 * The posterior predictive distribution: the mean over draws of the predicted probabilities.
 *
 * @param sampleProbabilities `[s, n, k]`: for each of `s` posterior draws, `n` distributions over `k` classes.
 * @throws if there is no draw or example, or a row is not a distribution.
 */
export function meanPrediction(sampleProbabilities: MatrixStack): Prediction {
  const { values, samples, count, classes } = readSamples(
    'metrics.meanPrediction',
    sampleProbabilities,
    'sampleProbabilities',
  );
  return { values: meanOverSamples(values, samples, count * classes), shape: [count, classes] };
}

/**
 * Splits the entropy of the posterior predictive distribution of each example into the part that the draws share and
 * the part that comes from their disagreement: `total = H(mean_s p_s)`, `aleatoric = mean_s H(p_s)`,
 * `epistemic = total - aleatoric`, with `H(p) = -sum_k p_k log p_k`. Depeweg, Hernandez-Lobato, Doshi-Velez and Udluft,
 * "Decomposition of uncertainty in Bayesian deep learning", 2018, equation 4.
 *
 * The epistemic part is never negative: what rounding leaves below zero is returned as zero.
 *
 * @param sampleProbabilities `[s, n, k]`: for each of `s` posterior draws, `n` distributions over `k` classes.
 * @throws if there is no draw or example, or a row is not a distribution.
 */
export function entropySplit(sampleProbabilities: MatrixStack): EntropySplit {
  const { values, samples, count, classes } = readSamples(
    'metrics.entropySplit',
    sampleProbabilities,
    'sampleProbabilities',
  );
  const total = entropies(meanOverSamples(values, samples, count * classes), classes);
  const aleatoric = meanOverSamples(entropies(values, classes), samples, count);
  const epistemic = total.map((entropy, i) => Math.max(0, entropy - (aleatoric[i] as number)));
  return { total, aleatoric, epistemic };
}

/** The mean over the leading axis of an array of shape `[samples, size]`. */
function meanOverSamples(values: ArrayLike<number>, samples: number, size: number): Float64Array {
  const mean = new Float64Array(size);
  for (let s = 0; s < samples; s++) {
    for (let i = 0; i < size; i++) mean[i] = (mean[i] as number) + (values[s * size + i] as number);
  }
  return mean.map((sum) => sum / samples);
}

/** The entropy in nats of each row of `classes` probabilities; `0 log 0` is 0. */
function entropies(values: ArrayLike<number>, classes: number): Float64Array {
  const entropy = new Float64Array(values.length / classes);
  for (let i = 0; i < entropy.length; i++) {
    let sum = 0;
    for (let k = 0; k < classes; k++) {
      const p = values[i * classes + k] as number;
      if (p > 0) sum -= p * Math.log(p);
    }
    entropy[i] = sum;
  }
  return entropy;
}
