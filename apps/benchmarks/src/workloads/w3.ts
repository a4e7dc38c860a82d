import { loadNetwork } from './network.ts';
import type { Workload } from './workload.ts';

export async function load(): Promise<Workload> {
  const model = await loadNetwork();
  return {
    name: 'W3',
    title: 'MNIST network 784-64-10, batch 32: one vi.diag step with Adam',
    kind: 'posterior',
    model,
    algorithm: { name: 'vi.diag', learningRate: 5e-3, temperature: 1 / model.numData, initLogSds: -3 },
  };
}
