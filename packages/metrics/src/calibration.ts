import type { Matrix, Vector } from './array.ts';
import { readLabels, readProbabilities } from './internal/read.ts';
import { topClass } from './internal/top-class.ts';

/** Examples whose top probability lies in `(lower, upper]`; the first bin holds 0 as well. */
export type ReliabilityBin = {
  readonly lower: number;
  readonly upper: number;
  readonly count: number;
  /** Mean top probability of the examples; NaN in an empty bin. */
  readonly confidence: number;
  /** Share of the examples whose top class is the label; NaN in an empty bin. */
  readonly accuracy: number;
};

export type CalibrationOptions = {
  /** Number of bins of equal width between 0 and 1; default 15. */
  readonly bins?: number;
};

/**
 * The reliability diagram: for bins of equal width of the top probability, how often the top class is right against
 * how sure the prediction was.
 *
 * @param probabilities `[n, k]`, each row a distribution over classes.
 * @param labels `[n]`, class indices from 0 to k - 1.
 * @returns all bins from 0 to 1, empty ones included.
 * @throws if there is no example, a row is not a distribution, a label is missing or out of range, or `bins` is not a
 * whole number of at least 1.
 */
export function reliability(probabilities: Matrix, labels: Vector, options: CalibrationOptions = {}): ReliabilityBin[] {
  return reliabilityBins('metrics.reliability', probabilities, labels, options);
}

/**
 * The expected calibration error, between 0 and 1: the gap between confidence and accuracy of each bin of
 * `reliability`, averaged with the bins' shares of the examples. Guo, Pleiss, Sun and Weinberger, "On calibration of
 * modern neural networks", 2017, equation 3.
 *
 * @param probabilities `[n, k]`, each row a distribution over classes.
 * @param labels `[n]`, class indices from 0 to k - 1.
 * @throws as `reliability`.
 */
export function expectedCalibrationError(
  probabilities: Matrix,
  labels: Vector,
  options: CalibrationOptions = {},
): number {
  const filled = reliabilityBins('metrics.expectedCalibrationError', probabilities, labels, options).filter(
    (bin) => bin.count > 0,
  );
  const examples = filled.reduce((sum, bin) => sum + bin.count, 0);
  return filled.reduce((sum, bin) => sum + (bin.count / examples) * Math.abs(bin.accuracy - bin.confidence), 0);
}

function reliabilityBins(
  where: string,
  probabilities: Matrix,
  labels: Vector,
  options: CalibrationOptions,
): ReliabilityBin[] {
  const { bins = 15 } = options;
  if (!Number.isInteger(bins) || bins < 1) {
    throw new Error(`${where}: bins is ${bins}, expected a whole number of at least 1`);
  }
  const rows = readProbabilities(where, probabilities, 'probabilities');
  const classes = readLabels(where, labels, rows);
  const count = new Uint32Array(bins);
  const confidence = new Float64Array(bins);
  const correct = new Uint32Array(bins);
  for (let i = 0; i < rows.count; i++) {
    const top = topClass(rows, i);
    const p = rows.values[i * rows.classes + top] as number;
    const bin = binOf(p, bins);
    count[bin] = (count[bin] as number) + 1;
    confidence[bin] = (confidence[bin] as number) + p;
    if (top === classes[i]) correct[bin] = (correct[bin] as number) + 1;
  }
  return Array.from(count, (n, bin) => ({
    lower: bin / bins,
    upper: (bin + 1) / bins,
    count: n,
    confidence: (confidence[bin] as number) / n,
    accuracy: (correct[bin] as number) / n,
  }));
}

/** The bin `(i / bins, (i + 1) / bins]` that holds `p`; the product alone would round some edges into the next bin. */
function binOf(p: number, bins: number): number {
  const bin = Math.min(Math.max(Math.ceil(p * bins) - 1, 0), bins - 1);
  if (bin > 0 && p <= bin / bins) return bin - 1;
  return bin < bins - 1 && p > (bin + 1) / bins ? bin + 1 : bin;
}
