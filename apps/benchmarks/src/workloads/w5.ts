import { loadNetwork } from './network.ts';
import type { Workload } from './workload.ts';

export async function load(): Promise<Workload> {
  const model = await loadNetwork({ batch: 512 });
  return {
    name: 'W5',
    title: 'MNIST network 784-64-10, batch 512: one SGHMC step',
    kind: 'posterior',
    model,
    algorithm: { name: 'sghmc', learningRate: 0.3, alpha: 1, temperature: 1 / model.numData },
  };
}
