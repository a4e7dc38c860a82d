export { checkedForward, checkedOuter } from './forward.ts';
export {
  type AtStep,
  atStep,
  checkHyper,
  checkOptions,
  type HyperParameter,
  notNegative,
  positive,
  type Schedule,
} from './hyper.ts';
export { initState, keyFrom, likeParams, notYet } from './init.ts';
export { checkedLogProb } from './log-prob.ts';
export { named } from './named.ts';
export {
  type PerSample,
  type PerSampleOption,
  type PerSampleSums,
  perSampleGradients,
  perSampleSums,
} from './per-sample.ts';
export { readsAtOnce } from './reads-at-once.ts';
export { type RunOptions, run, type SampleChainOptions, sampleChain } from './run.ts';
export { disposeTensors, makeState, type StateBase } from './state.ts';
export { type Scalars, type StepFn, type Stepper, stepCache, stepper } from './step.ts';
export { requireMatrix, requireSymmetric, symmetricLike, symmetricPart } from './symmetric.ts';
export {
  type ForwardFn,
  type InitOptions,
  type LogProbFn,
  type OuterLogProbFn,
  type StepContext,
  type Transform,
  type UpdateOptions,
  withAux,
} from './transform.ts';
