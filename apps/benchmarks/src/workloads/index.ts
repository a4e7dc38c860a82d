import type { Workload } from './workload.ts';

type Load = (of: string) => Promise<Workload>;

/** The workloads and the cases in which they come; the case that a workload is known by first. */
const modules: { readonly [name: string]: readonly [load: () => Promise<{ load: Load }>, ...cases: string[]] } = {
  W1: [() => import('./w1.ts')],
  W2: [() => import('./w2.ts')],
  W3: [() => import('./w3.ts')],
  W4: [() => import('./w4.ts')],
  W5: [() => import('./w5.ts')],
  W6: [() => import('./w6.ts'), '512', '32'],
  W7: [() => import('./w7.ts'), '512', '32'],
  W8: [() => import('./w8.ts'), 'denseFisher', 'denseGgn', 'denseHessian', 'ekf'],
  W9: [() => import('./w9.ts')],
  W10: [() => import('./w10.ts'), 'W2', 'W4'],
  W11: [() => import('./w11.ts')],
  W12: [() => import('./w12.ts')],
};

/** All workloads by name, after a dash the case. */
export const WORKLOADS: readonly string[] = Object.entries(modules).flatMap(([name, [, ...cases]]) =>
  cases.length === 0 ? [name] : cases.map((each) => `${name}-${each}`),
);

/** Loads a workload with its data. */
export async function loadWorkload(name: string): Promise<Workload> {
  const [workload, of = ''] = name.split('-') as [string, string?];
  const [module] = modules[workload] as (typeof modules)[string];
  const { load } = await module();
  return load(of);
}
