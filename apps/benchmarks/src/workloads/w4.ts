import { loadNetwork } from './network.ts';
import type { PosteriorWorkload } from './workload.ts';

export async function load(): Promise<PosteriorWorkload> {
  const model = await loadNetwork({ batch: 32 });
  return {
    name: 'W4',
    title: 'MNIST network 784-64-10, batch 32: one SGHMC step',
    kind: 'posterior',
    model,
    algorithm: { name: 'sghmc', learningRate: 0.3, alpha: 1, temperature: 1 / model.numData },
  };
}
