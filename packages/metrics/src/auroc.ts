import type { Vector } from './array.ts';
import { readVector } from './internal/read.ts';

/**
 * The area under the receiver operating characteristic: the probability that a random positive scores above a random
 * negative, an equal score counting half. 1 separates the two perfectly, 0.5 is chance. It depends on the order of the
 * scores alone (the Mann-Whitney statistic; Hanley and McNeil, "The meaning and use of the area under a receiver
 * operating characteristic (ROC) curve", 1982).
 *
 * @param positiveScores `[n]`, scores of what should score high, such as the epistemic uncertainty of foreign inputs.
 * @param negativeScores `[m]`, scores of what should score low.
 * @throws if either is empty or holds NaN.
 */
export function auroc(positiveScores: Vector, negativeScores: Vector): number {
  const positives = Float64Array.from(readVector('metrics.auroc', positiveScores, 'positiveScores')).sort();
  const negatives = Float64Array.from(readVector('metrics.auroc', negativeScores, 'negativeScores')).sort();
  let below = 0;
  let notAbove = 0;
  let wins = 0;
  for (const score of positives) {
    while (below < negatives.length && (negatives[below] as number) < score) below++;
    while (notAbove < negatives.length && (negatives[notAbove] as number) <= score) notAbove++;
    wins += (below + notAbove) / 2;
  }
  return wins / (positives.length * negatives.length);
}
