/** Whether a contender does the work of a workload: its step without noise, and its noise. */
import type { Contender } from './contender.ts';
import { adamPath, sghmcPath } from './reference.ts';
import {
  type Model,
  mapNamed,
  type Named,
  type Point,
  type Sghmc,
  type ViDiag,
  type Workload,
} from './workloads/workload.ts';

const STEPS = 3;
/** Of the distance that the steps go. Float32 is off by 1e-6 of it, and by 1e-5 after the Adam of another library. */
const PATH_TOLERANCE = 1e-4;
/** Of an Adam step: a few of the numbers drawn are so near to 0 that their gradient is not much above Adam's epsilon. */
const STEP_TOLERANCE = 1e-2;
const STANDARD_ERRORS = 5;
const NOISE_DRAWS = 1_000;
const NO_SPREAD = -20;
const HOT = 1e6;

/** @throws if the numbers of the contender are not those of the workload. */
export async function checkContender(contender: Contender, { name, model, algorithm }: Workload): Promise<void> {
  try {
    if (algorithm.name === 'sghmc') await checkSghmc(contender, model, algorithm);
    else await checkViDiag(contender, model, algorithm);
  } catch (error) {
    throw new Error(`${name}, ${contender.name} ${contender.version}: ${(error as Error).message}`, { cause: error });
  }
}

/** The common first state of all contenders. */
export function startOf({ model, algorithm }: Pick<Workload, 'model' | 'algorithm'>): Point {
  const params = mapNamed(model.params, ({ values }) => Float64Array.from(values));
  if (algorithm.name === 'vi.diag') return { params, companions: filled(params, algorithm.initLogSds) };
  // Momenta of the size that the temperature gives them.
  const size = Math.sqrt(algorithm.temperature);
  return { params, companions: mapNamed(params, (leaf) => leaf.map((_, i) => size * Math.cos(i + 1))) };
}

/** At temperature 0 the float64 path; at its own, momenta that differ from it by noise of the right size. */
async function checkSghmc(contender: Contender, model: Model, algorithm: Sghmc): Promise<void> {
  const { learningRate, alpha, temperature } = algorithm;
  const start = startOf({ model, algorithm });
  const expected = sghmcPath(start, model, algorithm, STEPS);
  const reached = await contender.advance(start, 0, STEPS);
  compare('params', reached.params, expected.params, start.params);
  compare('momenta', reached.companions, expected.companions, start.companions);

  const cold = concatenate(sghmcPath(start, model, algorithm, 1).companions);
  const noiseSd = Math.sqrt(2 * alpha * temperature * learningRate);
  const noise: number[] = [];
  while (noise.length < NOISE_DRAWS) {
    const { companions } = await contender.advance(start, temperature, 1);
    for (const [i, value] of concatenate(companions).entries()) noise.push((value - (cold[i] as number)) / noiseSd);
  }
  near('the mean of its noise', mean(noise), 0, STANDARD_ERRORS / Math.sqrt(noise.length));
  const squares = noise.map((value) => value * value);
  near('the mean square of its noise', mean(squares), 1, STANDARD_ERRORS * Math.sqrt(2 / noise.length));
}

/**
 * Where nothing spreads and nothing counts but the log posterior, the means take the float64 path of Adam. Where the
 * entropy is all that counts, every standard deviation grows by a whole step, and the means go one along their noise.
 */
async function checkViDiag(contender: Contender, model: Model, algorithm: ViDiag): Promise<void> {
  const { params, companions } = startOf({ model, algorithm });
  const still: Point = { params, companions: filled(params, NO_SPREAD) };
  const reached = await contender.advance(still, 0, STEPS);
  const expected = adamPath(still, model, algorithm, STEPS, contender.correctsAsFirst);
  compare('params', reached.params, expected, params);

  const hot = await contender.advance({ params, companions }, HOT, 1);
  const steps = (end: Named<Float64Array>, begin: Named<Float64Array>): number[] => {
    const from = concatenate(begin);
    return concatenate(end).map((value, i) => (value - (from[i] as number)) / algorithm.learningRate);
  };
  near('the mean step of its log standard deviations', mean(steps(hot.companions, companions)), 1, STEP_TOLERANCE);
  const moves = steps(hot.params, params);
  near('the mean step of its means', mean(moves), 0, STANDARD_ERRORS / Math.sqrt(moves.length));
  near('the mean square step of its means', mean(moves.map((move) => move * move)), 1, STEP_TOLERANCE);
}

/** The distance between what is and what should be, over the distance that it should go. */
function compare(
  what: string,
  actual: Named<Float64Array>,
  expected: Named<Float64Array>,
  start: Named<Float64Array>,
): void {
  const [is, should, from] = [actual, expected, start].map(concatenate) as [number[], number[], number[]];
  const distance = (a: number[], b: number[]): number =>
    Math.sqrt(a.reduce((sum, value, i) => sum + (value - (b[i] as number)) ** 2, 0));
  const error = distance(is, should) / distance(should, from);
  if (is.length === should.length && error <= PATH_TOLERANCE) return;
  throw new Error(
    `after ${STEPS} steps without noise its ${what} are off by ${error.toExponential(2)} of the way (allowed ${PATH_TOLERANCE}).` +
      ` First values: ${is.slice(0, 4).join(', ')}; expected ${should.slice(0, 4).join(', ')}`,
  );
}

function near(what: string, value: number, expected: number, tolerance: number): void {
  if (Math.abs(value - expected) <= tolerance) return;
  throw new Error(`${what} is ${value}, expected ${expected} to ${tolerance.toPrecision(3)}`);
}

function filled(like: Named<Float64Array>, value: number): Named<Float64Array> {
  return mapNamed(like, (leaf) => new Float64Array(leaf.length).fill(value));
}

/** All numbers, by name in the order of the alphabet. */
function concatenate(values: Named<Float64Array>): number[] {
  return Object.keys(values)
    .sort()
    .flatMap((name) => Array.from(values[name] as Float64Array));
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
