/** At temperature 0 the float64 path; at its own, momenta that differ from it by noise of the right size. */
import type { Contender } from '../contender.ts';
import { sghmcPath } from '../reference.ts';
import type { Posterior, Sghmc } from '../workloads/workload.ts';
import { compare, concatenate, near } from './compare.ts';
import { startOf } from './start.ts';

const STEPS = 3;
const STANDARD_ERRORS = 5;
const NOISE_DRAWS = 1_000;

export async function checkSghmc(contender: Contender, model: Posterior, algorithm: Sghmc): Promise<void> {
  const { learningRate, alpha, temperature } = algorithm;
  const start = startOf(model, algorithm);
  const expected = sghmcPath(start, model, algorithm, STEPS);
  const reached = await contender.advance(start, { ...algorithm, temperature: 0 }, STEPS);
  compare(`params after ${STEPS} steps without noise`, reached.params, expected.params, start.params);
  compare(`momenta after ${STEPS} steps without noise`, reached.companions, expected.companions, start.companions);

  const cold = concatenate(sghmcPath(start, model, algorithm, 1).companions);
  const noiseSd = Math.sqrt(2 * alpha * temperature * learningRate);
  const noise: number[] = [];
  while (noise.length < NOISE_DRAWS) {
    const { companions } = await contender.advance(start, algorithm, 1);
    for (const [i, value] of concatenate(companions).entries()) noise.push((value - (cold[i] as number)) / noiseSd);
  }
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  near('the mean of its noise', mean(noise), 0, STANDARD_ERRORS / Math.sqrt(noise.length));
  const squares = noise.map((value) => value * value);
  near('the mean square of its noise', mean(squares), 1, STANDARD_ERRORS * Math.sqrt(2 / noise.length));
  distinctChains(noise, model.chains);
}

/** No two chains get the same noise. */
function distinctChains(noise: readonly number[], chains = 1): void {
  const firsts = noise.slice(0, noise.length - (noise.length % chains));
  if (chains > 1 && new Set(firsts).size < firsts.length / 2) throw new Error('its chains share their noise');
}
