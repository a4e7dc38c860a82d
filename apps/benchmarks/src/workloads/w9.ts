import { loadLenet } from './lenet.ts';
import type { Workload } from './workload.ts';

export async function load(): Promise<Workload> {
  const model = await loadLenet(128);
  return {
    name: 'W9',
    title: 'LeNet-5 on MNIST, 61,706 parameters, batch 128: one SGHMC step',
    kind: 'posterior',
    model,
    algorithm: { name: 'sghmc', learningRate: 0.1, alpha: 1, temperature: 1 / model.numData },
  };
}
