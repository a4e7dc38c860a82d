import type { Matrix, Vector } from './array.ts';
import { readLabels, readProbabilities } from './internal/read.ts';

/** The smallest positive float32, 2^-149: only an exact zero is below it. */
const SMALLEST_PROBABILITY = 2 ** -149;

/**
 * The mean negative log probability of the labels, in nats: `-1/n sum_i log p_i(y_i)`. Its negative is the mean log
 * likelihood. A probability of zero counts as the smallest positive float32 (2^-149, a loss of 103.28), so that one
 * underflow does not make the mean infinite; no other float32 probability is changed.
 *
 * @param probabilities `[n, k]`, each row a distribution over classes (not logits).
 * @param labels `[n]`, class indices from 0 to k - 1.
 * @throws if there is no example, a row is not a distribution, or a label is missing or out of range.
 */
export function negativeLogLikelihood(probabilities: Matrix, labels: Vector): number {
  const rows = readProbabilities('metrics.negativeLogLikelihood', probabilities, 'probabilities');
  const classes = readLabels('metrics.negativeLogLikelihood', labels, rows);
  let sum = 0;
  for (let i = 0; i < rows.count; i++) {
    const p = rows.values[i * rows.classes + (classes[i] as number)] as number;
    sum -= Math.log(Math.max(p, SMALLEST_PROBABILITY));
  }
  return sum / rows.count;
}

/**
 * The Brier score: the mean over examples of `sum_k (p_k - [k = y])^2`, from 0 (certain and right) to 2 (certain and
 * wrong). Brier, "Verification of forecasts expressed in terms of probability", 1950, equation 2.
 *
 * @param probabilities `[n, k]`, each row a distribution over classes.
 * @param labels `[n]`, class indices from 0 to k - 1.
 * @throws if there is no example, a row is not a distribution, or a label is missing or out of range.
 */
export function brier(probabilities: Matrix, labels: Vector): number {
  const rows = readProbabilities('metrics.brier', probabilities, 'probabilities');
  const classes = readLabels('metrics.brier', labels, rows);
  let sum = 0;
  for (let i = 0; i < rows.count; i++) {
    for (let k = 0; k < rows.classes; k++) {
      const p = rows.values[i * rows.classes + k] as number;
      sum += (p - (k === classes[i] ? 1 : 0)) ** 2;
    }
  }
  return sum / rows.count;
}
