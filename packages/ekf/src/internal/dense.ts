/** What the filters with a full covariance have in common. */

import { type Disposer, evaluate } from '@posteriors/autodiff';
import { denseNormalSample, type SampleOptions } from '@posteriors/distributions';
import { cholesky, triangularSolve } from '@posteriors/linalg';
import type { Key } from '@posteriors/random';
import {
  atStep,
  checkConstants,
  checkHyper,
  checkOptions,
  type HyperCheck,
  type HyperParameter,
  type InitOptions,
  initState,
  keyFrom,
  named,
  notNegative,
  notYet,
  positive,
  readsAtOnce,
  requireMatrix,
  requireState,
  requireSymmetric,
  requireSymmetricLike,
  type Scalars,
  symmetricLike,
} from '@posteriors/transform';
import { map, ravel, size, type TensorTree } from '@posteriors/tree';
import { add, isNaN as isNotANumber, matMul, mul, reshape, Tensor, transpose, where } from '@tensorflow/tfjs-core';

/** Numbers, schedules or scalar tensors. */
export interface Hyper {
  /** Inverse temperature ε of the likelihood, not negative: what the log likelihood is multiplied by. 0 leaves the batch out. */
  readonly learningRate: HyperParameter;
  /**
   * Covariance of the noise that moves the parameters before an update: a symmetric tensor `[p, p]` in the order of `tree.ravel`, or a
   * variance, which stands on the diagonal. Default 0: the parameters stand still.
   */
  readonly transitionCov?: HyperParameter;
}

export const hyperNames: readonly string[] = ['learningRate', 'transitionCov'];
const defaults = { transitionCov: 0, initCov: 1 } as const;

const isMatrix = (given: HyperParameter): given is Tensor => given instanceof Tensor && given.rank > 0;
/** The checks of hyper-parameters, but for a transition covariance that is a matrix. */
const checksFor = (transitionCov: HyperParameter): { readonly [K in keyof Hyper]: HyperCheck } =>
  isMatrix(transitionCov) ? { learningRate: notNegative } : { learningRate: notNegative, transitionCov: notNegative };

/** The first covariance. */
export interface Initial {
  /**
   * A symmetric positive definite tensor `[p, p]` over the `p` numbers of the parameters in the order of `tree.ravel`, or a variance for all
   * of them, a number or a scalar tensor. Default 1.
   */
  readonly initCov?: Tensor | number;
}

export interface State<P> extends Disposer {
  /** The mean. */
  readonly params: P;
  /** The covariance, symmetric, `[p, p]` over the `p` numbers of the parameters in the order of `tree.ravel`. */
  readonly cov: Tensor;
  /** Log likelihood of the mean before the last update, a scalar; NaN before the first. */
  readonly logLikelihood: Tensor;
  readonly key: Key;
  /** Updates so far. */
  readonly step: number;
}

export interface Tensors<P> {
  readonly params: P;
  readonly cov: Tensor;
  readonly logLikelihood: Tensor;
}

export function initDense<P extends TensorTree>(
  name: string,
  params: P,
  { initCov = defaults.initCov, ...options }: InitOptions & Initial,
): State<P> {
  named(name, () => requireCovariance(initCov, size(params)));
  return initState(name, params, options, (owned) => ({
    cov: symmetricLike(initCov, size(owned)),
    logLikelihood: notYet(),
  }));
}

/** @throws if `build` is given options besides the hyper-parameters and `others`, or hyper-parameters that are no schedules and wrong. */
export function checkConfig(name: string, config: Hyper, others: readonly string[]): void {
  checkOptions(name, config, [...hyperNames, ...others]);
  const hyper = { ...defaults, ...config };
  checkConstants<Hyper>(name, hyper, checksFor(hyper.transitionCov));
}

export function hyperAt(name: string, params: TensorTree, hyper: Hyper, step: number): object {
  checkOptions(name, hyper, hyperNames);
  const values = atStep({ transitionCov: defaults.transitionCov, ...hyper }, step);
  const { transitionCov } = values;
  checkHyper<Hyper>(name, values, checksFor(transitionCov));
  if (isMatrix(transitionCov)) requireSymmetric('transitionCov', transitionCov, size(params));
  return values;
}

/** The lower triangular `L` of the covariance `L Lᵀ` that is predicted for a step. */
export function predicted<P extends TensorTree>(
  { params, cov }: Tensors<P>,
  { transitionCov }: Scalars<Hyper>,
): Tensor {
  const count = size(params);
  requireMatrix('cov', cov, count);
  return cholesky(add(cov, transitionCov.rank === 0 ? symmetricLike(transitionCov, count) : transitionCov));
}

/**
 * The mean and covariance after a step. `gradient`, `[p]`, and `curvature`, `[p, p]`, are those of the log likelihood, the latter negated
 * and as `Lᵀ G L`, with the `L` that was {@link predicted}.
 *
 * The new covariance is `L (I + ε Lᵀ G L)⁻¹ Lᵀ = Wᵀ W`: symmetric and positive definite as it stands, and nothing is inverted whose
 * eigenvalues are below 1. `remedy` says what is wrong where that is not so.
 */
export function filtered<P extends TensorTree>(
  { params, logLikelihood }: Pick<Tensors<P>, 'params' | 'logLikelihood'>,
  l: Tensor,
  gradient: Tensor,
  curvature: Tensor,
  { learningRate: epsilon }: Scalars<Hyper>,
  remedy: (field: string) => string,
): Tensors<P> {
  const { flat, unravel } = ravel(params);
  const unit = symmetricLike(1, flat.size);
  const inner = add(unit, mul(epsilon, curvature));
  // Where the log likelihood is NaN, that is what the step reports, and not a pivot.
  const factor = cholesky(where(isNotANumber(logLikelihood), unit, inner), { remedy: remedy('cov') });
  const w = triangularSolve(factor, transpose(l));
  const posterior = matMul(w, w, true);
  const move = reshape(matMul(posterior, reshape(gradient, [flat.size, 1])), [flat.size]);
  const moves = unravel(mul(epsilon, move));
  return {
    params: map((mu: Tensor, by: Tensor) => add(mu, by), params, moves),
    cov: posterior,
    logLikelihood,
  };
}

export function sampleDense<P extends TensorTree>(
  name: string,
  state: Pick<State<P>, 'params' | 'cov'>,
  { sampleShape = [], ...options }: InitOptions & SampleOptions,
): P {
  return named(name, () => {
    const { params, cov } = requireState(name, state);
    const key = keyFrom(options);
    return evaluate(name, () => denseNormalSample(key, params, { covariance: cov }, { sampleShape }));
  });
}

/** @throws unless it is a variance or a symmetric matrix over `n` numbers and, where it can be read at once, positive definite. */
function requireCovariance(initCov: number | Tensor, n: number): void {
  requireSymmetricLike('initCov', initCov, n, positive);
  if (isMatrix(initCov) && readsAtOnce()) named('initCov', () => cholesky(initCov).dispose());
}
