export { checkOptions } from '@posteriors/autodiff';
export { chains } from './chains.ts';
export { checkedForward, checkedOuter } from './forward.ts';
export {
  type AtStep,
  atStep,
  checkConstants,
  checkHyper,
  finite,
  type HyperCheck,
  type HyperParameter,
  notNegative,
  positive,
  type Schedule,
} from './hyper.ts';
export { initState, keyFrom, likeParams, notYet, requireElements } from './init.ts';
export { checkedLogProb } from './log-prob.ts';
export { named } from './named.ts';
export {
  type PerSample,
  type PerSampleOption,
  type PerSampleProducts,
  type PerSampleSums,
  perSampleGradients,
  perSampleProducts,
  perSampleSums,
} from './per-sample.ts';
export { readsAtOnce } from './reads-at-once.ts';
export { type RunOptions, run, type SampleChainOptions, sampleChain } from './run.ts';
export { warnOfScale } from './scale.ts';
export { type ScanOptions, scan } from './scan.ts';
export { splitStates, stackStates } from './stack-states.ts';
export { disposeTensors, makeState, requireState, type StateBase } from './state.ts';
export { check } from './status.ts';
export { type Scalars, type StepFn, type Stepper, type StepperOptions, stepCache, stepper } from './step.ts';
export { requireMatrix, requireSymmetric, requireSymmetricLike, symmetricLike, symmetricPart } from './symmetric.ts';
export {
  type ForwardFn,
  type InitOptions,
  type LogProbFn,
  type NoHyper,
  type OuterLogProbFn,
  type StepContext,
  type Transform,
  type UpdateOptions,
  withAux,
} from './transform.ts';
