export {
  assignModelParameters,
  type Compiled,
  customJvp,
  customVjp,
  type Disposer,
  defineKernel,
  grad,
  jit,
  jvp,
  type KernelDefinition,
  type LayersModel,
  linearize,
  type ModelParameters,
  modelParameters,
  modelToFunction,
  stopGradient,
  valueAndGrad,
  vjp,
  vmap,
} from '@posteriors/autodiff';
export type { DeviceName } from '@posteriors/backend';
export { setMemoryBudget } from '@posteriors/backend';
export * as distributions from '@posteriors/distributions';
export { bernoulliLogProb, categoricalLogProb, diagNormalLogProb, diagNormalSample } from '@posteriors/distributions';
export * as metrics from '@posteriors/metrics';
export * as optim from '@posteriors/optim';
export * as random from '@posteriors/random';
export * as sgmcmc from '@posteriors/sgmcmc';
export {
  type HyperParameter,
  type InitOptions,
  type LogProbFn,
  type RunOptions,
  run,
  type SampleChainOptions,
  type Schedule,
  type StepContext,
  sampleChain,
  type Transform,
  type UpdateOptions,
  withAux,
} from '@posteriors/transform';
export * as tree from '@posteriors/tree';
export * as vi from '@posteriors/vi';
export { setBackend } from './set-backend.ts';
