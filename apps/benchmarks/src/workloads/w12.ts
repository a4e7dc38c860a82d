import { loadLstm } from './lstm.ts';
import type { Workload } from './workload.ts';

export async function load(): Promise<Workload> {
  const model = await loadLstm(32, 100);
  return {
    name: 'W12',
    title: 'LSTM on IMDB reviews, 168,386 parameters, batch 32 of 100 words: one SGHMC step',
    kind: 'posterior',
    model,
    algorithm: { name: 'sghmc', learningRate: 0.1, alpha: 1, temperature: 1 / model.numData },
  };
}
