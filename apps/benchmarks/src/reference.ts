/** Plain float64 steps without noise, which the contenders are checked against. */
import { mapNamed, type Named, type Point, type Posterior, type Sghmc, type ViDiag } from './workloads/workload.ts';

/** `steps` steps of SGHMC at temperature 0. */
export function sghmcPath(start: Point, model: Posterior, { learningRate, alpha }: Sghmc, steps: number): Point {
  let { params, companions: momenta } = start;
  for (let step = 0; step < steps; step++) {
    const gradient = model.gradient(params);
    params = combine((theta, m) => theta + learningRate * m, params, momenta);
    momenta = combine((m, g) => m + learningRate * (g - alpha * m), momenta, gradient);
  }
  return { params, companions: momenta };
}

/**
 * The means after `steps` steps of variational inference at temperature 0 with standard deviations of nearly 0.
 *
 * @param correctsAsFirst correct the bias of every step as if it were the first.
 */
export function adamPath(
  start: Point,
  model: Posterior,
  { learningRate }: ViDiag,
  steps: number,
  correctsAsFirst = false,
): Named<Float64Array> {
  const [beta1, beta2, epsilon] = [0.9, 0.999, 1e-8];
  let params = start.params;
  let first: Named<Float64Array> = mapNamed(params, (leaf) => new Float64Array(leaf.length));
  let second = first;
  for (let step = 1; step <= steps; step++) {
    const age = correctsAsFirst ? 1 : step;
    const gradient = model.gradient(params);
    first = combine((m, g) => beta1 * m + (1 - beta1) * g, first, gradient);
    second = combine((v, g) => beta2 * v + (1 - beta2) * g * g, second, gradient);
    const direction = combine(
      (m, v) => m / (1 - beta1 ** age) / (Math.sqrt(v / (1 - beta2 ** age)) + epsilon),
      first,
      second,
    );
    params = combine((theta, d) => theta + learningRate * d, params, direction);
  }
  return params;
}

function combine(
  f: (a: number, b: number) => number,
  left: Named<Float64Array>,
  right: Named<Float64Array>,
): Named<Float64Array> {
  return mapNamed(left, (leaf, name) => leaf.map((value, i) => f(value, (right[name] as Float64Array)[i] as number)));
}
