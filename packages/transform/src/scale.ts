import { leaves } from '@posteriors/tree';
import { Tensor } from '@tensorflow/tfjs-core';

/**
 * A function that warns, once, where the first log posterior of a run looks as though it were not on the scale of its temperature. What it goes
 * by: untrained, a model has a log likelihood of the order of -1 for each datum. A temperature that is not a number is not judged.
 */
export function warnOfScale(name: string): (logPosterior: number, batch: unknown, temperature: unknown) => void {
  let warned = false;
  return (logPosterior, batch, temperature) => {
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
  if (temperature === 1 && size < examples / 10) {
    return (
      `the log posterior of a batch of ${examples} is ${value.toPrecision(3)}, which looks like a mean over the batch, and the temperature is 1. ` +
      'That is the posterior of a single datum. For a mean log likelihood set temperature to 1 / number of data, and divide the log prior by that number.'
    );
  }
  if (temperature > 0 && temperature <= 1 / ENOUGH && size > 100 * examples) {
    return (
      `the log posterior of a batch of ${examples} is ${value.toPrecision(3)}, which is much for a mean over the batch, and the temperature is ` +
      `${temperature.toPrecision(3)}. At that temperature the log prior must be divided by the number of data, or it counts as often as there are data.`
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
