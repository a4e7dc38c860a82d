export { type AdamOptions, type AdamWOptions, adam, adamw } from './adam.ts';
export { applyUpdates } from './apply-updates.ts';
export type { GradientTransformation, StepHyper } from './base.ts';
export { constantSchedule, cosineDecaySchedule } from './schedules.ts';
export { type SgdOptions, sgd } from './sgd.ts';
