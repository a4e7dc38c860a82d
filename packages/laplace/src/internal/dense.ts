/** What the approximations with a full precision matrix have in common. */

import { type Disposer, evaluate } from '@posteriors/autodiff';
import { denseNormalSample } from '@posteriors/distributions';
import { diagonal } from '@posteriors/linalg';
import type { Key } from '@posteriors/random';
import {
  checkHyper,
  type InitOptions,
  initState,
  keyFrom,
  named,
  notNegative,
  readsAtOnce,
  requireMatrix,
  requireState,
  requireSymmetricLike,
  symmetricLike,
  symmetricPart,
} from '@posteriors/transform';
import { map, size, type TensorTree } from '@posteriors/tree';
import { add, mul, sqrt, type Tensor, tidy, zerosLike } from '@tensorflow/tfjs-core';
import { type DrawOptions, requirePrecision } from './draw.ts';

export interface State<P> extends Disposer {
  /** The mean. It does not move. */
  readonly params: P;
  /** The precision, the inverse of the covariance: symmetric, `[p, p]` over the `p` numbers of the parameters in the order of `tree.ravel`. */
  readonly prec: Tensor;
  readonly key: Key;
  /** Updates so far. */
  readonly step: number;
}

/** The first precision. */
export interface Initial {
  /**
   * The precision of a prior: a symmetric tensor `[p, p]` in the order of `tree.ravel`, or a number or a scalar tensor, not negative, that
   * stands for itself times the identity. Default 0.
   */
  readonly initPrec?: Tensor | number;
}

/** The tensors of a state. */
export interface Tensors<P> {
  readonly params: P;
  readonly prec: Tensor;
}

export function initDense<P extends TensorTree>(
  name: string,
  params: P,
  { initPrec = 0, ...options }: InitOptions & Initial,
): State<P> {
  named(name, () => requireSymmetricLike('initPrec', initPrec, size(params), notNegative));
  return initState(name, params, options, (owned) => ({ prec: symmetricLike(initPrec, size(owned)) }));
}

/**
 * The tensors of a state whose precision has grown by the symmetric part of a matrix.
 *
 * @throws unless the precision has a row for each element of the parameters.
 */
export function grownDense<P extends TensorTree>({ params, prec }: Tensors<P>, growth: Tensor): Tensors<P> {
  requireMatrix('prec', prec, size(params));
  return { params, prec: add(prec, symmetricPart(growth)) };
}

export function sampleDense<P extends TensorTree>(
  name: string,
  state: Pick<State<P>, 'params' | 'prec'>,
  { sampleShape = [], temperature = 1, ...options }: DrawOptions,
): P {
  checkHyper<{ temperature: number | Tensor }>(name, { temperature }, { temperature: notNegative });
  return named(name, () => {
    const { params, prec } = requireState(name, state);
    if (readsAtOnce()) tidy(() => requirePrecision(name, state, [['the diagonal of prec', diagonal(prec)]]));
    const key = keyFrom(options);
    return evaluate(name, () => {
      const origin = map((leaf: Tensor) => zerosLike(leaf), params);
      const draws = denseNormalSample(key, origin, { precision: prec }, { sampleShape });
      const sd = sqrt(temperature);
      return map((mean: Tensor, draw: Tensor) => add(mean, mul(sd, draw)), params, draws as never);
    });
  });
}
