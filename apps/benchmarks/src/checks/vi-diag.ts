/**
 * Where nothing spreads and nothing counts but the log posterior, the means take the float64 path of Adam. Where the entropy is all that
 * counts, every standard deviation grows by a whole step, and the means go one along their noise.
 */
import type { Contender } from '../contender.ts';
import { adamPath } from '../reference.ts';
import { mapNamed, type Named, type Point, type Posterior, type ViDiag } from '../workloads/workload.ts';
import { compare, concatenate, near } from './compare.ts';
import { startOf } from './start.ts';

const STEPS = 3;
/** Of an Adam step: a few of the numbers drawn are so near to 0 that their gradient is not much above Adam's epsilon. */
const STEP_TOLERANCE = 1e-2;
const STANDARD_ERRORS = 5;
const NO_SPREAD = -20;
const HOT = 1e6;

export async function checkViDiag(contender: Contender, model: Posterior, algorithm: ViDiag): Promise<void> {
  const { params, companions } = startOf(model, algorithm);
  const still: Point = { params, companions: mapNamed(params, (leaf) => leaf.map(() => NO_SPREAD)) };
  const reached = await contender.advance(still, { ...algorithm, temperature: 0 }, STEPS);
  const expected = adamPath(still, model, algorithm, STEPS, contender.quirks?.includes('adamAsFirst'));
  compare(`params after ${STEPS} steps without noise`, reached.params, expected, params);

  const hot = await contender.advance({ params, companions }, { ...algorithm, temperature: HOT }, 1);
  const steps = (end: Named<Float64Array>, begin: Named<Float64Array>): Float64Array => {
    const from = concatenate(begin);
    return concatenate(end).map((value, i) => (value - (from[i] as number)) / algorithm.learningRate);
  };
  const mean = (values: Float64Array): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  near('the mean step of its log standard deviations', mean(steps(hot.companions, companions)), 1, STEP_TOLERANCE);
  const moves = steps(hot.params, params);
  near('the mean step of its means', mean(moves), 0, STANDARD_ERRORS / Math.sqrt(moves.length));
  near('the mean square step of its means', mean(moves.map((move) => move * move)), 1, STEP_TOLERANCE);
}
