export { accuracy } from './accuracy.ts';
export { fromTensor, type HostArray, type Matrix, type MatrixStack, type Vector } from './array.ts';
export { auroc } from './auroc.ts';
export {
  type CalibrationOptions,
  expectedCalibrationError,
  type ReliabilityBin,
  reliability,
} from './calibration.ts';
export { brier, negativeLogLikelihood } from './scores.ts';
export { type EntropySplit, entropySplit, meanPrediction, type Prediction } from './uncertainty.ts';
