import { loadNetworkLikelihood } from './network.ts';
import type { Workload } from './workload.ts';

export async function load(batch: string): Promise<Workload> {
  return {
    name: `W6-${batch}`,
    title: `MNIST network 784-64-10, batch ${batch}: one update of laplace.diagFisher`,
    kind: 'curvature',
    model: await loadNetworkLikelihood(Number(batch)),
    algorithm: { name: 'laplace.diagFisher' },
  };
}
