import { loadNetworkLikelihood } from './network.ts';
import type { Workload } from './workload.ts';

export async function load(batch: string): Promise<Workload> {
  return {
    name: `W7-${batch}`,
    title: `MNIST network 784-64-10, batch ${batch}: one step of ekf.diagFisher`,
    kind: 'curvature',
    model: await loadNetworkLikelihood(Number(batch)),
    // A rate of the size of the batch counts each example once.
    algorithm: { name: 'ekf.diagFisher', learningRate: Number(batch), initSd: 0.1, transitionSd: 0.02 },
  };
}
