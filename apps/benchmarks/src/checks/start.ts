import { type Algorithm, mapNamed, type Point, type Workload } from '../workloads/workload.ts';

/** The common first state of all contenders. */
export function startOf(model: Pick<Workload['model'], 'params'>, algorithm: Algorithm): Point {
  const params = mapNamed(model.params, ({ values }) => Float64Array.from(values));
  if (algorithm.name === 'vi.diag') {
    return { params, companions: mapNamed(params, (leaf) => leaf.map(() => algorithm.initLogSds)) };
  }
  if (algorithm.name !== 'sghmc') return { params, companions: {} };
  // Momenta of the size that the temperature gives them.
  const size = Math.sqrt(algorithm.temperature);
  return { params, companions: mapNamed(params, (leaf) => leaf.map((_, i) => size * Math.cos(i + 1))) };
}
