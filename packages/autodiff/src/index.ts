export { requireScalar, splitAux } from './arguments.ts';
export { type ByRows, byRows } from './by-rows.ts';
export { type CgInfo, type CgOptions, cg, cgAsync } from './cg.ts';
export { checkOptions } from './check-options.ts';
export { checkpoint } from './checkpoint.ts';
export { sumOverChunks } from './chunks.ts';
export { customJvp, customVjp } from './custom.ts';
export type { LikePrimals } from './differential.ts';
export { dependsOn } from './differentiate.ts';
export { type Disposer, disposable } from './disposable.ts';
export { evaluate, refusePromise } from './evaluate.ts';
export { type EmpiricalFisherOptions, empiricalFisher, fvp, type NormalizeOption } from './fisher.ts';
export { diagGgn, type GgnOptions, ggn, ggnvp, type WithAux } from './ggn.ts';
export { grad, valueAndGrad } from './grad.ts';
export { hvp } from './hvp.ts';
export { hessian, type Jacobian, jacfwd, jacrev, unitRows } from './jacobian.ts';
export { type Compiled, jit } from './jit.ts';
export { jvp, type Linearization, linearize } from './jvp.ts';
export { defineKernel, type KernelDefinition } from './kernel.ts';
export { evalShape, makeProgram } from './make-program.ts';
export { assignModelParameters, modelParameters, modelStatistics, modelToFunction } from './model.ts';
export type { GraphModel } from './model-graph.ts';
export type { GraphContext, GraphInputs, GraphModelFunction } from './model-graph-run.ts';
export type { GraphParameters } from './model-graph-weights.ts';
export type { LayersModel, LayerWeight } from './model-layers.ts';
export type {
  ModelContext,
  ModelFunction,
  RandomSource,
  TrainingContext,
  TrainingFunction,
  TrainingOptions,
} from './model-layers-run.ts';
export type { ModelParameters } from './model-weights.ts';
export { Count, hostNumbers, isNumber, numberNow } from './number.ts';
export { perSamplify } from './per-samplify.ts';
export { programsOf, type RanProgram } from './programs-of.ts';
export {
  type BatchRule,
  type Derivative,
  type JvpRule,
  type Partial,
  type Rule,
  ruleNames,
  type TransposeRule,
} from './rule.ts';
export { type ScanOptions, scan } from './scan.ts';
export { stopGradient } from './stop-gradient.ts';
export { type Pullback, vjp } from './vjp.ts';
export { type Axis, type VmapOptions, vmap } from './vmap.ts';
