import { loadNetwork } from './network.ts';
import type { Workload } from './workload.ts';

export async function load(): Promise<Workload> {
  const model = await loadNetwork();
  return {
    name: 'W4',
    title: 'MNIST network 784-64-10, batch 32: one SGHMC step',
    model,
    algorithm: { name: 'sghmc', learningRate: 0.3, alpha: 1, temperature: 1 / model.numData },
  };
}
