import type { Measure } from './measure.ts';

const modules: { readonly [name: string]: () => Promise<{ readonly measure: Measure }> } = {
  T1: () => import('./t1.ts'),
  T2: () => import('./t2.ts'),
  T3: () => import('./t3.ts'),
  T4: () => import('./t4.ts'),
  T5: () => import('./t5.ts'),
  S1: () => import('./s1.ts'),
};

export const MEASURES: readonly string[] = Object.keys(modules);

export function isMeasure(name: string): boolean {
  return Object.hasOwn(modules, name);
}

export async function loadMeasure(name: string): Promise<Measure> {
  const { measure } = await (modules[name] as (typeof modules)[string])();
  return measure;
}
