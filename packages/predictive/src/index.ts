export { type LinearizedOptions, linearizedForwardDiag, linearizedPredictive } from './linearized.ts';
export type { ParameterSpread } from './spread.ts';
