import type { Matrix, Vector } from './array.ts';
import { readLabels, readProbabilities } from './internal/read.ts';
import { topClass } from './internal/top-class.ts';

/**
 * The share of examples whose most probable class is the label, between 0 and 1. Among equally probable classes the
 * first counts as the prediction.
 *
 * @param probabilities `[n, k]`, each row a distribution over classes.
 * @param labels `[n]`, class indices from 0 to k - 1.
 * @throws if there is no example, a row is not a distribution, or a label is missing or out of range.
 */
export function accuracy(probabilities: Matrix, labels: Vector): number {
  const rows = readProbabilities('metrics.accuracy', probabilities, 'probabilities');
  const classes = readLabels('metrics.accuracy', labels, rows);
  let correct = 0;
  for (let i = 0; i < rows.count; i++) {
    if (topClass(rows, i) === classes[i]) correct++;
  }
  return correct / rows.count;
}
