export { type AdadeltaOptions, adadelta } from './adadelta.ts';
export { type AdagradOptions, adagrad } from './adagrad.ts';
export { type AdamOptions, type AdamWOptions, adam, adamw } from './adam.ts';
export { type AdamaxOptions, adamax } from './adamax.ts';
export { applyUpdates } from './apply-updates.ts';
export { type GradientTransformation, requireOptimizer, type StepHyper } from './base.ts';
export { chain } from './chain.ts';
export { clipByGlobalNorm, clipByValue } from './clip.ts';
export { build, init, type LossFn, type State, update } from './descent.ts';
export type { LossOptions } from './leafwise.ts';
export { type RadamOptions, radam } from './radam.ts';
export { type RmspropOptions, rmsprop } from './rmsprop.ts';
export {
  constantSchedule,
  cosineDecaySchedule,
  exponentialDecaySchedule,
  polynomialSchedule,
  powerDecaySchedule,
  sequenceSchedules,
} from './schedules.ts';
export { type SgdOptions, sgd } from './sgd.ts';
