/** Precisions after a few batches against sums over examples one by one, the dense ones in products with a few vectors. */
import type { Contender } from '../contender.ts';
import type { Laplace, Likelihood, Named, Point, Values, Weighted } from '../workloads/workload.ts';
import { compareNumbers, concatenate, separate } from './compare.ts';
import { accumulate, directions, dot, product } from './directions.ts';
import { startOf } from './start.ts';

const STEPS = 2;

export async function checkLaplace(contender: Contender, model: Likelihood, algorithm: Laplace): Promise<void> {
  const start = startOf(model, algorithm);
  const reached = await contender.advance(start, algorithm, STEPS);
  const batches = Array.from({ length: STEPS }, (_, i) => model.batches[i % model.batches.length] as Named<Values>);
  if (algorithm.name === 'laplace.diagFisher') checkDiagonal(reached, start, model, batches);
  else checkMatrix(reached, start, model, batches, algorithm);
}

function checkDiagonal(reached: Point, start: Point, model: Likelihood, batches: readonly Named<Values>[]): void {
  const expected = new Float64Array(concatenate(start.params).length);
  for (const batch of batches) {
    for (const gradient of model.gradients(start.params, batch)) {
      accumulate(
        expected,
        1,
        gradient.map((value) => value * value),
      );
    }
  }
  compareNumbers('precisions', concatenate(reached.companions), expected);
}

function checkMatrix(
  { companions }: Point,
  { params }: Point,
  model: Likelihood,
  batches: readonly Named<Values>[],
  { name }: Laplace,
): void {
  const size = concatenate(params).length;
  for (const direction of directions(size)) {
    const expected = new Float64Array(size);
    for (const batch of batches) {
      if (name === 'laplace.denseHessian') accumulate(expected, -1, hessianProduct(model, params, batch, direction));
      else for (const term of terms(name, model, params, batch)) accumulate(expected, ...along(term, direction));
    }
    compareNumbers('products with its precision', product(companions.matrix as Float64Array, direction), expected);
  }
}

function terms(
  name: Laplace['name'],
  model: Likelihood,
  params: Named<Float64Array>,
  batch: Named<Values>,
): Iterable<Weighted> {
  if (name === 'laplace.denseGgn') return model.ggnTerms?.(params, batch) ?? [];
  return Array.from(model.gradients(params, batch), (gradient) => [1, gradient]);
}

/** What the outer product of a vector with itself makes of a direction: the vector again, and how often. */
export function along([weight, vector]: Weighted, direction: Float64Array): Weighted {
  return [weight * dot(vector, direction), vector];
}

/** The derivative of the gradient by a central difference. */
function hessianProduct(
  model: Likelihood,
  params: Named<Float64Array>,
  batch: Named<Values>,
  direction: Float64Array,
): Float64Array {
  const distance = 1e-4;
  const at = concatenate(params);
  const result = new Float64Array(at.length);
  for (const side of [distance, -distance]) {
    const moved = separate(accumulate(at.slice(), side, direction), params);
    for (const gradient of model.gradients(moved, batch)) accumulate(result, 0.5 / side, gradient);
  }
  return result;
}
