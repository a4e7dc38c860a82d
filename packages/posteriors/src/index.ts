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
  type GraphModel,
  type GraphParameters,
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
  programsOf,
  type RanProgram,
  stopGradient,
  valueAndGrad,
  vjp,
  vmap,
} from '@posteriors/autodiff';
export { type DeviceName, type Program, printProgram, setMemoryBudget } from '@posteriors/backend';
export * as distributions from '@posteriors/distributions';
export {
  bernoulliLogProb,
  categoricalLogProb,
  cumulativeMeanAndCov,
  diagNormalLogProb,
  diagNormalSample,
  gaussianLogProb,
  LFromFlat,
  LToFlat,
  poissonLogProb,
} from '@posteriors/distributions';
export * as ekf from '@posteriors/ekf';
export * as laplace from '@posteriors/laplace';
export * as linalg from '@posteriors/linalg';
export * as metrics from '@posteriors/metrics';
export * as optim from '@posteriors/optim';
export * as predictive from '@posteriors/predictive';
export { linearizedForwardDiag } from '@posteriors/predictive';
export * as random from '@posteriors/random';
export * as sgmcmc from '@posteriors/sgmcmc';
export {
  chains,
  check,
  type ForwardFn,
  type HyperParameter,
  type InitOptions,
  type LogProbFn,
  type OuterLogProbFn,
  type RunOptions,
  run,
  type SampleChainOptions,
  type ScanOptions,
  type Schedule,
  type StepContext,
  sampleChain,
  splitStates,
  stackStates,
  type Transform,
  type UpdateOptions,
  withAux,
} from '@posteriors/transform';
export * as tree from '@posteriors/tree';
export * as vi from '@posteriors/vi';
export { scan } from './scan.ts';
export { setBackend } from './set-backend.ts';
