/** What the approximations with a diagonal precision have in common. */

import { type Disposer, evaluate } from '@posteriors/autodiff';
import { diagNormalSample } from '@posteriors/distributions';
import type { Key } from '@posteriors/random';
import {
  checkHyper,
  type InitOptions,
  initState,
  keyFrom,
  likeParams,
  named,
  notNegative,
  readsAtOnce,
  requireElements,
  requireState,
} from '@posteriors/transform';
import { leaves, map, paths, type TensorTree } from '@posteriors/tree';
import { add, div, sqrt, type Tensor } from '@tensorflow/tfjs-core';
import { type DrawOptions, requirePrecision } from './draw.ts';

export interface State<P> extends Disposer {
  /** The mean. It does not move. */
  readonly params: P;
  /** The precisions, one over the variances, like the parameters. */
  readonly precDiag: P;
  readonly key: Key;
  /** Updates so far. */
  readonly step: number;
}

/** The first precision. */
export interface Initial<P> {
  /** The precision of a prior: a tree like the parameters, or a number or a scalar tensor for all of them; not negative. Default 0. */
  readonly initPrecDiag?: P | number | Tensor;
}

/** The tensors of a state. */
export interface Tensors<P> {
  readonly params: P;
  readonly precDiag: P;
}

export function initDiagonal<P extends TensorTree>(
  name: string,
  params: P,
  { initPrecDiag = 0, ...options }: InitOptions & Initial<P>,
): State<P> {
  named(name, () => requireElements('initPrecDiag', initPrecDiag, notNegative));
  return initState(name, params, options, (owned) => ({ precDiag: likeParams('initPrecDiag', initPrecDiag, owned) }));
}

/** The tensors of a state whose precisions have grown. */
export function grownDiagonal<P extends TensorTree>({ params, precDiag }: Tensors<P>, growth: P): Tensors<P> {
  return { params, precDiag: map((a: Tensor, b: Tensor) => add(a, b), precDiag, growth) };
}

export function sampleDiagonal<P extends TensorTree>(
  name: string,
  state: Pick<State<P>, 'params' | 'precDiag'>,
  { sampleShape = [], temperature = 1, ...options }: DrawOptions,
): P {
  checkHyper<{ temperature: number | Tensor }>(name, { temperature }, { temperature: notNegative });
  return named(name, () => {
    const { params, precDiag } = requireState(name, state);
    if (readsAtOnce()) {
      const names = paths(precDiag).map((path) => `precDiag ${path}`);
      requirePrecision(name, state, leaves(precDiag as TensorTree).map((leaf, i) => [names[i] as string, leaf])); // biome-ignore format: one line
    }
    const key = keyFrom(options);
    return evaluate(name, () => {
      const sds = map((precision: Tensor) => sqrt(div(temperature, precision)), precDiag);
      return diagNormalSample(key, params, sds, { sampleShape });
    });
  });
}
