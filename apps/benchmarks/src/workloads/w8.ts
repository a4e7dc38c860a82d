import { loadSmallLikelihood } from './network.ts';
import type { Ekf, Laplace, Workload } from './workload.ts';

const BATCH = 128;

const algorithms: { readonly [name: string]: Laplace | Ekf } = {
  denseFisher: { name: 'laplace.denseFisher' },
  denseGgn: { name: 'laplace.denseGgn' },
  denseHessian: { name: 'laplace.denseHessian' },
  // So slow that the state is nearly the same after any number of steps: a filter that subtracts what it should add would fail after some.
  ekf: { name: 'ekf.denseFisher', learningRate: 1e-6, initSd: 1, transitionSd: 0 },
};

export async function load(algorithm: string): Promise<Workload> {
  const chosen = algorithms[algorithm] as Laplace | Ekf;
  return {
    name: `W8-${algorithm}`,
    title: `a network of 1,000 parameters, batch ${BATCH}: one update of ${chosen.name}`,
    kind: 'curvature',
    model: await loadSmallLikelihood(BATCH),
    algorithm: chosen,
  };
}
