import { leaves } from '@posteriors/tree';
import { Tensor } from '@tensorflow/tfjs-core';

/**
 * A function that warns, once, where the log posterior of the first batch of a run looks as though it were not on the scale of its temperature.
 * What it goes by: untrained, a model has a log likelihood of the order of -1 for each datum. A temperature that is not a number, and a log
 * posterior of exactly 0, are not judged. `name` begins the warning.
 */
export function warnOfScale(
  name: string,
): (logPosterior: number, batch: unknown, hyper: { readonly temperature?: unknown }) => void {
  let warned = false;
  return (logPosterior, batch, { temperature }) => {
    const warning = warned ? undefined : scaleWarning(logPosterior, batch, temperature);
    if (warning === undefined) return;
    warned = true;
    console.warn(`${name}: ${warning}`);
  };
}

function scaleWarning(value: number, batch: unknown, temperature: unknown): string | undefined {
  const examples = batchSize(batch);
  if (typeof temperature !== 'number' || examples < ENOUGH) return undefined;
  const size = Math.abs(value);
  if (temperature === 1 && size > 0 && size < examples / 10) {
    return (
      `the log posterior of a batch of ${examples} is ${value.toPrecision(3)}, which may be a mean over the batch, and the temperature is 1. If it is, ` +
      'this is the posterior of a single datum: set temperature to 1 / number of data, and divide the log prior by that number. A sum is right as it is.'
    );
  }
  if (temperature > 0 && temperature <= 1 / ENOUGH && size > Math.max(20, examples / 4)) {
    return (
      `the log posterior of a batch of ${examples} is ${value.toPrecision(3)}, which is much for a mean over the batch, and the temperature is ` +
      `${temperature.toPrecision(3)}. At 1 / number of data the log likelihood must be a mean and the log prior divided by that number: a sum, or a prior that is not, counts as often as there are data.`
    );
  }
  return undefined;
}

/** Fewer examples, or a temperature near 1, tell nothing. */
const ENOUGH = 8;

/** How many examples a batch has: the length that all its tensors have in front, 0 if there is none. */
function batchSize(batch: unknown): number {
  const lengths = leaves<unknown>(batch).map((leaf) => (leaf instanceof Tensor ? (leaf.shape[0] ?? 0) : 0));
  return lengths.length > 0 && lengths.every((length) => length === lengths[0]) ? (lengths[0] as number) : 0;
}
