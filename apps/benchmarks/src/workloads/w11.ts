import { loadFootball } from './football.ts';
import type { Workload } from './workload.ts';

export async function load(): Promise<Workload> {
  const model = await loadFootball();
  return {
    name: 'W11',
    title: `skills of football teams, ${model.batches.length} matches in turn: one step of ekf.diagFisher`,
    kind: 'curvature',
    model,
    algorithm: { name: 'ekf.diagFisher', learningRate: 1, initSd: 0.7, transitionSd: 0.02 },
  };
}
