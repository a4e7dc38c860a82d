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

/** A function written with TensorFlow.js ops; the batch has the names of the model's. */
type OfTensors = (params: Named<tf.Tensor>, batch: Named<tf.Tensor>) => tf.Tensor;

interface Data {
  /** The parameters before the first step; with several chains, theirs along axis 0. */
  readonly params: Named<Values>;
  /** The steps take them in turn, again from the first after the last. */
  readonly batches: readonly Named<Values>[];
}

/** A log posterior, in the forms that the contenders take. */
export interface Posterior extends Data {
  /** By this name the peers know it. */
  readonly name: 'doubleWell' | 'logistic' | 'network' | 'lenet' | 'lstm';
  /** Data that the log likelihood is a mean over; the prior counts once over this number. */
  readonly numData: number;
  /** How many chains go side by side, each with parameters of its own; absent: one, without an axis for it. */
  readonly chains?: number;
  /** The same with one chain, which several are compared with. */
  readonly single?: Posterior;
  /** For posteriors, with its distributions: a scalar, of one chain. */
  readonly logPosterior: OfTensors;
  /** For TensorFlow.js alone: the same but for constants, with its losses; of several chains the sum. Absent where a step would take minutes. */
  readonly eagerLogPosterior?: OfTensors;
  /** The gradient by plain float64 loops, to check the others: of the first batch. */
  readonly gradient: (params: Named<Float64Array>) => Named<Float64Array>;
}

/** A vector and what it is multiplied by. */
export type Weighted = readonly [weight: number, vector: Float64Array];

/** Log likelihoods of examples one by one, in the forms that the contenders take. */
export interface Likelihood extends Data {
  /** By this name the peers know it. */
  readonly name: 'network' | 'tanhNetwork' | 'football';
  /** The outputs of the model, one row for each example. */
  readonly forward: OfTensors;
  /** The log likelihood of each example, given the outputs. */
  readonly outer: (outputs: tf.Tensor, batch: Named<tf.Tensor>) => tf.Tensor;
  /** For TensorFlow.js alone: the sum over the batch. */
  readonly eagerLogLikelihood: OfTensors;
  /**
   * The gradient of the log likelihood of each example by plain float64 loops, the parameters one after the other in the order of their
   * sorted names.
   */
  readonly gradients: (params: Named<Float64Array>, batch: Named<Values>) => Iterable<Float64Array>;
  /** Vectors whose weighted outer products add up to the generalised Gauss-Newton matrix of the batch. */
  readonly ggnTerms?: (params: Named<Float64Array>, batch: Named<Values>) => Iterable<Weighted>;
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

/** A Laplace approximation, from precision 0. */
export interface Laplace {
  readonly name: 'laplace.diagFisher' | 'laplace.denseFisher' | 'laplace.denseGgn' | 'laplace.denseHessian';
}

/** An extended Kalman filter. */
export interface Ekf {
  readonly name: 'ekf.diagFisher' | 'ekf.denseFisher';
  readonly learningRate: number;
  /** Standard deviations of the parameters at the start. */
  readonly initSd: number;
  /** By how much each parameter moves between steps. Of the diagonal filter alone. */
  readonly transitionSd: number;
}

interface Task<Kind, Model, Algorithm> {
  /** Its place in the lists: a name, and after a dash which case of it. */
  readonly name: string;
  readonly title: string;
  readonly kind: Kind;
  readonly model: Model;
  readonly algorithm: Algorithm;
}

export type PosteriorWorkload = Task<'posterior', Posterior, Sghmc | ViDiag>;
export type CurvatureWorkload = Task<'curvature', Likelihood, Laplace | Ekf>;
export type Workload = PosteriorWorkload | CurvatureWorkload;
export type Algorithm = Workload['algorithm'];

/** A state to start from or that was reached. */
export interface Point {
  readonly params: Named<Float64Array>;
  /**
   * The momenta of sghmc; the logarithms of the standard deviations of vi.diag. Of a curvature: its diagonal (precisions of laplace, standard
   * deviations of ekf), named as the parameters, or `matrix`. That starts as the algorithm says.
   */
  readonly companions: Named<Float64Array>;
}

/** `f` of each value, under the same names. */
export function mapNamed<A, B>(values: Named<A>, f: (value: A, name: string) => B): Named<B> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, f(value, name)]));
}
