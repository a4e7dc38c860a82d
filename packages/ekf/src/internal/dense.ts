/** What the filters with a full covariance have in common. */

import { type Disposer, evaluate } from '@posteriors/autodiff';
import { denseNormalSample, type SampleOptions } from '@posteriors/distributions';
import { cholesky, triangularSolve } from '@posteriors/linalg';
import type { Key } from '@posteriors/random';
import {
  atStep,
  checkHyper,
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
  requireSymmetric,
  type Scalars,
  symmetricLike,
} from '@posteriors/transform';
import { ravel, size, type TensorTree } from '@posteriors/tree';
import { add, isNaN as isNotANumber, matMul, mul, reshape, Tensor, transpose, where } from '@tensorflow/tfjs-core';

/** Numbers, schedules or scalar tensors. */
export interface Hyper {
  /** Inverse temperature ε of the likelihood, positive: what the log likelihood is multiplied by. */
  readonly learningRate: HyperParameter;
  /**
   * Covariance of the noise that moves the parameters before an update: a symmetric tensor `[p, p]` in the order of `tree.ravel`, or a
   * variance, which stands on the diagonal. Default 0: the parameters stand still.
   */
  readonly transitionCov?: HyperParameter;
}

const defaults = { transitionCov: 0, initCov: 1 } as const;

/** The first covariance. */
export interface Initial {
  /**
   * A symmetric positive definite tensor `[p, p]` over the `p` numbers of the parameters in the order of `tree.ravel`, or a variance for all
   * of them. Default 1.
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
  if (initCov instanceof Tensor) named(name, () => requireCovariance(initCov, params));
  else checkHyper<{ initCov: number }>(name, { initCov }, { initCov: positive });
  return initState(name, params, options, (owned) => ({
    cov: symmetricLike(initCov, size(owned)),
    logLikelihood: notYet(),
  }));
}

export function hyperAt(name: string, params: TensorTree, hyper: Hyper, step: number): object {
  const values = atStep({ transitionCov: defaults.transitionCov, ...hyper }, step);
  const { learningRate, transitionCov } = values;
  checkHyper<Pick<Hyper, 'learningRate'>>(name, { learningRate }, { learningRate: positive });
  if (transitionCov instanceof Tensor && transitionCov.rank > 0)
    requireMatrix('transitionCov', transitionCov, size(params));
  else checkHyper<Pick<Hyper, 'transitionCov'>>(name, { transitionCov }, { transitionCov: notNegative });
  return values;
}

/**
 * The mean and covariance after a step. `gradient`, `[p]`, and `curvature`, `[p, p]`, are those of the log likelihood, the latter negated.
 *
 * With the predicted covariance `L Lᵀ` the new one is `L (I + ε Lᵀ G L)⁻¹ Lᵀ = Wᵀ W`: symmetric and positive definite as it stands, and
 * nothing is inverted whose eigenvalues are below 1.
 */
export function filtered<P extends TensorTree>(
  { params, cov, logLikelihood }: Tensors<P>,
  gradient: Tensor,
  curvature: Tensor,
  { learningRate: epsilon, transitionCov }: Scalars<Hyper>,
): Tensors<P> {
  const { flat, unravel } = ravel(params);
  requireMatrix('cov', cov, flat.size);
  const unit = symmetricLike(1, flat.size);
  const predicted = add(cov, transitionCov.rank === 0 ? mul(unit, transitionCov) : transitionCov);
  const l = cholesky(predicted);
  const inner = add(unit, mul(epsilon, matMul(l, matMul(curvature, l), true)));
  // Where the log likelihood is NaN, that is what the step reports, and not a pivot.
  const w = triangularSolve(cholesky(where(isNotANumber(logLikelihood), unit, inner)), transpose(l));
  const posterior = matMul(w, w, true);
  const move = reshape(matMul(posterior, reshape(gradient, [flat.size, 1])), [flat.size]);
  return { params: unravel(add(flat, mul(epsilon, move))), cov: posterior, logLikelihood };
}

export function sampleDense<P extends TensorTree>(
  name: string,
  { params, cov }: Pick<State<P>, 'params' | 'cov'>,
  { sampleShape = [], ...options }: InitOptions & SampleOptions,
): P {
  return named(name, () => {
    const key = keyFrom(options);
    return evaluate(name, () => denseNormalSample(key, params, { covariance: cov }, { sampleShape }));
  });
}

/** @throws unless it is a symmetric matrix over the parameters and, where it can be read at once, positive definite. */
function requireCovariance(initCov: Tensor, params: TensorTree): void {
  requireSymmetric('initCov', initCov, size(params));
  if (readsAtOnce()) named('initCov', () => cholesky(initCov).dispose());
}
