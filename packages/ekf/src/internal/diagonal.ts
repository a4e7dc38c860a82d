/** What the filters with a diagonal covariance have in common. */

import { type Disposer, evaluate } from '@posteriors/autodiff';
import { diagNormalSample, type SampleOptions } from '@posteriors/distributions';
import type { Key } from '@posteriors/random';
import {
  atStep,
  checkConstants,
  checkHyper,
  checkOptions,
  type HyperParameter,
  type InitOptions,
  initState,
  keyFrom,
  likeParams,
  named,
  notNegative,
  notYet,
  requireElements,
  requireState,
  type Scalars,
} from '@posteriors/transform';
import { map, type TensorTree } from '@posteriors/tree';
import { add, div, mul, sqrt, square, type Tensor } from '@tensorflow/tfjs-core';

/** Numbers, schedules or scalar tensors. */
export interface Hyper {
  /** Inverse temperature ε of the likelihood, not negative: what the log likelihood is multiplied by. 0 leaves the batch out. */
  readonly learningRate: HyperParameter;
  /** Standard deviation of the noise that moves each parameter before an update. Default 0: the parameters stand still. */
  readonly transitionSd?: HyperParameter;
}

export const hyperNames: readonly string[] = ['learningRate', 'transitionSd'];
const defaults = { transitionSd: 0, initSds: 1 } as const;
const checks = { learningRate: notNegative, transitionSd: notNegative };

/** The first standard deviations. */
export interface Initial<P> {
  /** A tree like the parameters, or a number or a scalar tensor for all of them; not negative. Default 1. */
  readonly initSds?: P | number | Tensor;
}

export interface State<P> extends Disposer {
  /** Means. */
  readonly params: P;
  /** Standard deviations, like the parameters. */
  readonly sdDiag: P;
  /** Log likelihood of the means before the last update, a scalar; NaN before the first. */
  readonly logLikelihood: Tensor;
  readonly key: Key;
  /** Updates so far. */
  readonly step: number;
}

export interface Tensors<P> {
  readonly params: P;
  readonly sdDiag: P;
  readonly logLikelihood: Tensor;
}

export function initDiagonal<P extends TensorTree>(
  name: string,
  params: P,
  { initSds = defaults.initSds, ...options }: InitOptions & Initial<P>,
): State<P> {
  named(name, () => requireElements('initSds', initSds, notNegative));
  return initState(name, params, options, (owned) => ({
    sdDiag: likeParams('initSds', initSds, owned),
    logLikelihood: notYet(),
  }));
}

/** @throws if `build` is given options besides the hyper-parameters and `others`, or hyper-parameters that are no schedules and wrong. */
export function checkConfig(name: string, config: Hyper, others: readonly string[]): void {
  checkOptions(name, config, [...hyperNames, ...others]);
  checkConstants<Hyper>(name, { ...defaults, ...config }, checks);
}

export function hyperAt(name: string, hyper: Hyper, step: number): object {
  checkOptions(name, hyper, hyperNames);
  const values = atStep({ transitionSd: defaults.transitionSd, ...hyper }, step);
  checkHyper<Required<Hyper>>(name, values, checks);
  return values;
}

/** The means and standard deviations after a step, `gradient` and `curvature` being those of the log likelihood, the latter negated. */
export function filtered<P extends TensorTree>(
  { params, sdDiag }: Tensors<P>,
  gradient: P,
  curvature: P,
  { learningRate: epsilon, transitionSd }: Scalars<Hyper>,
): Pick<Tensors<P>, 'params' | 'sdDiag'> {
  const variances = map(
    (sd: Tensor, h: Tensor) => {
      const predicted = add(square(sd), square(transitionSd));
      return div(predicted, add(1, mul(mul(epsilon, h), predicted)));
    },
    sdDiag,
    curvature,
  );
  return {
    params: map(
      (mu: Tensor, variance: Tensor, g: Tensor) => add(mu, mul(mul(epsilon, variance), g)),
      params,
      variances,
      gradient,
    ),
    sdDiag: map((variance: Tensor) => sqrt(variance), variances),
  };
}

export function sampleDiagonal<P extends TensorTree>(
  name: string,
  state: Pick<State<P>, 'params' | 'sdDiag'>,
  { sampleShape = [], ...options }: InitOptions & SampleOptions,
): P {
  return named(name, () => {
    const { params, sdDiag } = requireState(name, state);
    const key = keyFrom(options);
    return evaluate(name, () => diagNormalSample(key, params, sdDiag, { sampleShape }));
  });
}
