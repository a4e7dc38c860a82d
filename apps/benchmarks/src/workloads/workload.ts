import type * as tf from '@tensorflow/tfjs';

/** Numbers with their shape: the form in which every contender gets the same problem. */
export interface Values {
  readonly shape: readonly number[];
  readonly values: Float32Array | Int32Array;
}

/** Values by name. */
export interface Named<V> {
  readonly [name: string]: V;
}

/** A log posterior written with TensorFlow.js ops; the batch has the names of the model's. */
type LogPosterior = (params: Named<tf.Tensor>, batch: Named<tf.Tensor>) => tf.Tensor;

/** What a workload infers, in the forms that the contenders take. */
export interface Model {
  /** By this name the Python peer knows its log posterior. */
  readonly name: 'doubleWell' | 'logistic' | 'network';
  /** The parameters before the first step. */
  readonly params: Named<Values>;
  readonly batch: Named<Values>;
  /** Data that the log likelihood is a mean over; the prior counts once over this number. */
  readonly numData: number;
  /** For posteriors, with its distributions. */
  readonly logPosterior: LogPosterior;
  /** For TensorFlow.js alone: the same but for constants, with its losses. */
  readonly eagerLogPosterior: LogPosterior;
  /** The gradient by plain float64 loops, to check the others. */
  readonly gradient: (params: Named<Float64Array>) => Named<Float64Array>;
}

/** Stochastic gradient Hamiltonian Monte Carlo. */
export interface Sghmc {
  readonly name: 'sghmc';
  readonly learningRate: number;
  readonly alpha: number;
  readonly temperature: number;
}

/** Variational inference with a diagonal normal: one draw, stick-the-landing gradient, Adam. */
export interface ViDiag {
  readonly name: 'vi.diag';
  readonly learningRate: number;
  readonly temperature: number;
  readonly initLogSds: number;
}

export interface Workload {
  readonly name: string;
  readonly title: string;
  readonly model: Model;
  readonly algorithm: Sghmc | ViDiag;
}

/** A state to start from or that was reached. */
export interface Point {
  readonly params: Named<Float64Array>;
  /** The momenta of sghmc, the logarithms of the standard deviations of vi.diag. */
  readonly companions: Named<Float64Array>;
}

/** `f` of each value, under the same names. */
export function mapNamed<A, B>(values: Named<A>, f: (value: A, name: string) => B): Named<B> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, f(value, name)]));
}
