/**
 * The diagonal filter after all batches, once each, against plain float64 loops. The dense one after a step: its covariance times the inverse
 * covariance that it should have, in products with a few vectors, and the mean that this covariance leads to.
 */
import type { Contender } from '../contender.ts';
import type { Ekf, Likelihood, Named, Point, Values } from '../workloads/workload.ts';
import { compare, compareNumbers, concatenate, separate } from './compare.ts';
import { accumulate, directions, product } from './directions.ts';
import { along } from './laplace.ts';
import { startOf } from './start.ts';

const LEAST_STEPS = 3;

export async function checkEkf(contender: Contender, model: Likelihood, workload: Ekf): Promise<void> {
  const start = startOf(model, workload);
  if (workload.name === 'ekf.diagFisher') {
    const steps = Math.max(LEAST_STEPS, model.batches.length);
    const reached = await contender.advance(start, workload, steps);
    const expected = diagonalPath(start, model, workload, steps);
    compare(`means after ${steps} steps`, reached.params, expected.params, start.params);
    const initial = expected.companions.map(() => workload.initSd);
    compareNumbers('standard deviations', concatenate(reached.companions), expected.companions, initial);
    return;
  }
  // The rate of the workload is that small that its state hardly moves: see the workload.
  const algorithm: Ekf = { ...workload, learningRate: 0.1 };
  checkMatrix(await contender.advance(start, algorithm, 1), start, contender, model, algorithm);
}

function diagonalPath(
  start: Point,
  model: Likelihood,
  { learningRate, transitionSd, initSd }: Ekf,
  steps: number,
): { readonly params: Named<Float64Array>; readonly companions: Float64Array } {
  const means = concatenate(start.params);
  const sds = means.map(() => initSd);
  for (let step = 0; step < steps; step++) {
    const [gradient, squares] = averages(model, separate(means, start.params), step);
    for (let i = 0; i < means.length; i++) {
      const precision = 1 / ((sds[i] as number) ** 2 + transitionSd ** 2) + learningRate * (squares[i] as number);
      sds[i] = precision ** -0.5;
      means[i]! += (learningRate * (gradient[i] as number)) / precision;
    }
  }
  return { params: separate(means, start.params), companions: sds };
}

/** Over the examples of the batch of a step: the gradient and its square. */
function averages(model: Likelihood, params: Named<Float64Array>, step: number): [Float64Array, Float64Array] {
  const gradients = [...model.gradients(params, model.batches[step % model.batches.length] as Named<Values>)];
  const size = (gradients[0] as Float64Array).length;
  const [mean, squares] = [new Float64Array(size), new Float64Array(size)];
  for (const gradient of gradients) {
    accumulate(mean, 1 / gradients.length, gradient);
    accumulate(
      squares,
      1 / gradients.length,
      gradient.map((value) => value * value),
    );
  }
  return [mean, squares];
}

function checkMatrix(
  reached: Point,
  start: Point,
  contender: Contender,
  model: Likelihood,
  { learningRate, initSd }: Ekf,
): void {
  const covariance = reached.companions.matrix as Float64Array;
  const gradients = [...model.gradients(start.params, model.batches[0] as Named<Values>)];
  const mean = new Float64Array(concatenate(start.params).length);
  for (const gradient of gradients) accumulate(mean, 1 / gradients.length, gradient);
  const sign = contender.quirks?.includes('curvatureSubtracted') ? -1 : 1;
  for (const direction of directions(mean.length)) {
    const expected = direction.map((value) => value / initSd ** 2);
    const share = (sign * learningRate) / gradients.length;
    for (const gradient of gradients) accumulate(expected, ...along([share, gradient], direction));
    compareNumbers('products of its covariance with the inverse', product(covariance, expected), direction);
  }
  const moved = accumulate(concatenate(start.params), learningRate, product(covariance, mean));
  compareNumbers('means', concatenate(reached.params), moved, concatenate(start.params));
}
