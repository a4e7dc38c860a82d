import { loadNetworkLikelihood } from './network.ts';
import type { Workload } from './workload.ts';

export async function load(batch: string): Promise<Workload> {
  return {
    name: `W7-${batch}`,
    title: `MNIST network 784-64-10, batch ${batch}: one step of ekf.diagFisher`,
    kind: 'curvature',
    model: await loadNetworkLikelihood(Number(batch)),
    algorithm: { name: 'ekf.diagFisher', learningRate: 0.1, initSd: 0.1, transitionSd: 0.01 },
  };
}
