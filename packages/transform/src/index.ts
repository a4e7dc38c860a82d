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
export { type RunOptions, run, type SampleChainOptions, sampleChain } from './run.ts';
export { disposeTensors, makeState, type StateBase } from './state.ts';
export { type Scalars, type StepFn, type Stepper, stepCache, stepper } from './step.ts';
export {
  type InitOptions,
  type LogProbFn,
  type StepContext,
  type Transform,
  type UpdateOptions,
  withAux,
} from './transform.ts';
