export { requireScalar, splitAux } from './arguments.ts';
export { customJvp, customVjp } from './custom.ts';
export { dependsOn } from './differentiate.ts';
export { type Disposer, disposable } from './disposable.ts';
export { evaluate, refusePromise } from './evaluate.ts';
export { grad, valueAndGrad } from './grad.ts';
export { type Compiled, jit } from './jit.ts';
export { jvp, type Linearization, linearize } from './jvp.ts';
export { defineKernel, type KernelDefinition } from './kernel.ts';
export {
  assignModelParameters,
  type LayersModel,
  type LayerWeight,
  type ModelParameters,
  modelParameters,
  modelToFunction,
} from './model.ts';
export {
  type BatchRule,
  type Derivative,
  type JvpRule,
  type Partial,
  type Rule,
  ruleNames,
  type TransposeRule,
} from './rule.ts';
export { stopGradient } from './stop-gradient.ts';
export { type Pullback, vjp } from './vjp.ts';
export { type Axis, type VmapOptions, vmap } from './vmap.ts';
