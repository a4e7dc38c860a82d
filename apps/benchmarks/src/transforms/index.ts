import type { Measure } from './measure.ts';

export const MEASURES = ['T1', 'T2'] as const;
export type MeasureName = (typeof MEASURES)[number];

const modules: { readonly [name in MeasureName]: () => Promise<{ readonly measure: Measure }> } = {
  T1: () => import('./t1.ts'),
  T2: () => import('./t2.ts'),
};

export async function loadMeasure(name: MeasureName): Promise<Measure> {
  const { measure } = await modules[name]();
  return measure;
}
