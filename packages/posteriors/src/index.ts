export {
  assignModelParameters,
  type CgInfo,
  type CgOptions,
  type Compiled,
  cg,
  cgAsync,
  checkpoint,
  customJvp,
  customVjp,
  type Disposer,
  defineKernel,
  diagGgn,
  empiricalFisher,
  evalShape,
  fvp,
  ggn,
  ggnvp,
  grad,
  hessian,
  hvp,
  jacfwd,
  jacrev,
  jit,
  jvp,
  type KernelDefinition,
  type LayersModel,
  linearize,
  type ModelParameters,
  makeProgram,
  modelParameters,
  modelStatistics,
  modelToFunction,
  perSamplify,
  scan,
  stopGradient,
  valueAndGrad,
  vjp,
  vmap,
} from '@posteriors/autodiff';
export { type DeviceName, type Program, printProgram, setMemoryBudget } from '@posteriors/backend';
export * as distributions from '@posteriors/distributions';
export { bernoulliLogProb, categoricalLogProb, diagNormalLogProb, diagNormalSample } from '@posteriors/distributions';
export * as linalg from '@posteriors/linalg';
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
