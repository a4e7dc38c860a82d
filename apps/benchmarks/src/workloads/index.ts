import type { Workload } from './workload.ts';

export const WORKLOADS = ['W1', 'W2', 'W3', 'W4'] as const;
export type WorkloadName = (typeof WORKLOADS)[number];

const modules: { readonly [name in WorkloadName]: () => Promise<{ load(): Promise<Workload> }> } = {
  W1: () => import('./w1.ts'),
  W2: () => import('./w2.ts'),
  W3: () => import('./w3.ts'),
  W4: () => import('./w4.ts'),
};

/** Loads a workload with its data. */
export async function loadWorkload(name: WorkloadName): Promise<Workload> {
  const { load } = await modules[name]();
  return load();
}
