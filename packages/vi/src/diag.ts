/**
 * Variational inference with a diagonal normal (Blundell et al. 2015, https://arxiv.org/abs/1505.05424), with the stick-the-landing
 * gradient (Roeder, Wu and Duvenaud 2017, https://arxiv.org/abs/1703.09194).
 */

import type { Disposer } from '@posteriors/autodiff';
import { diagNormalLogProb, diagNormalSample, type SampleOptions } from '@posteriors/distributions';
import { type GradientTransformation, requireOptimizer } from '@posteriors/optim';
import type { Key } from '@posteriors/random';
import {
  finite,
  type InitOptions,
  initState,
  type LogProbFn,
  likeParams,
  named,
  notYet,
  requireElements,
  requireState,
  type Transform,
  type UpdateOptions,
} from '@posteriors/transform';
import { map, type TensorTree } from '@posteriors/tree';
import { exp, type Tensor } from '@tensorflow/tfjs-core';
import type { Estimator, Family, Hyper, NelboOptions } from './variational.ts';
import * as variational from './variational.ts';

export type { Estimator, Hyper, NelboOptions } from './variational.ts';

export interface Config<P> extends Hyper, Estimator {
  /** Initial logarithms of the standard deviations: a tree like the parameters, or a number or a scalar tensor for all. Default 0; -3 suits a network. */
  readonly initLogSds?: P | number | Tensor;
}

const defaults = { ...variational.defaults, initLogSds: 0 } as const;

/** N(mean, diag(sd²)), of which the logarithms of the standard deviations are moved. */
const family: Family<TensorTree> = {
  name: 'vi.diag',
  field: 'logSdDiag',
  spreadOf: standardDeviations,
  logProb: diagNormalLogProb,
  sample: diagNormalSample,
};

function standardDeviations(logSdDiag: TensorTree): TensorTree {
  return map((logSd: Tensor) => exp(logSd), logSdDiag);
}

/**
 * Fits q(θ) = N(mean, diag(sd²)) to `exp(log p(θ) / T)` by gradient steps on
 *
 *     NELBO = - E_q[log p(θ) - T log q(θ)]
 *
 * estimated with draws θ = mean + sd ξ, ξ ~ N(0, I), for the mean and the logarithms of the standard deviations. The optimiser minimises.
 *
 * Other than in posteriors 0.1.2, the optimiser's state moves on in place as well.
 */
export function build<P extends TensorTree, B, A>(
  logPosterior: LogProbFn<P, B, A>,
  optimizer: GradientTransformation,
  config: Config<NoInfer<P>> = {},
): Transform<P, State<P>, B, A, Hyper> {
  variational.checkConfig('vi.diag.build', config, 'initLogSds');
  requireOptimizer('vi.diag.build', optimizer, 'the second argument');
  const { initLogSds, ...settings } = config;
  return {
    init: (params, options) =>
      init(params, optimizer, { ...(initLogSds === undefined ? {} : { initLogSds }), ...options }),
    update: (state, batch, options) => update(state, batch, logPosterior, optimizer, settings, options),
  };
}

export interface State<P> extends Disposer {
  /** The mean of q. */
  readonly params: P;
  /** Logarithms of the standard deviations of q, like the parameters. */
  readonly logSdDiag: P;
  readonly optState: TensorTree;
  /** The estimate at the last update, of the q before it, a scalar; NaN before the first. */
  readonly nelbo: Tensor;
  readonly key: Key;
  /** Updates so far. */
  readonly step: number;
}

/**
 * The first state. It owns its tensors; those given stay the caller's. `initLogSds` as in {@link Config}; this warns, once, where it
 * is 0.
 */
export function init<P extends TensorTree>(
  params: P,
  optimizer: GradientTransformation,
  { initLogSds, ...options }: InitOptions & { readonly initLogSds?: NoInfer<P> | number | Tensor } = {},
): State<P> {
  const name = 'vi.diag.init';
  variational.warnOfUnitSds(name, 'initLogSds', initLogSds, defaults.initLogSds, -3);
  if (initLogSds !== undefined) named(name, () => requireElements('initLogSds', initLogSds, finite));
  return initState(name, params, options, (owned) => {
    const logSdDiag = likeParams('initLogSds', initLogSds ?? defaults.initLogSds, owned);
    return { logSdDiag, optState: optimizer.init([owned, logSdDiag]), nelbo: notYet() };
  });
}

/**
 * One step of {@link build}'s update, with everything given at each call. A temperature in `options.hyper` replaces the other one.
 *
 * @returns the next state (the same one, changed, with `inplace`) and the aux of the log posterior.
 */
export function update<P extends TensorTree, B, A>(
  state: State<P>,
  batch: B,
  logPosterior: LogProbFn<P, B, A>,
  optimizer: GradientTransformation,
  config: Hyper & Estimator = {},
  options?: UpdateOptions<Hyper>,
): [state: State<P>, aux: A] {
  return variational.update(family, state, batch, logPosterior, optimizer, config, options);
}

/** `sampleShape` draws from q: a tree like the parameters, each leaf with `sampleShape` in front. By default one draw and no new axis. */
export function sample<P extends TensorTree>(
  state: Pick<State<P>, 'params' | 'logSdDiag'>,
  options: InitOptions & SampleOptions = {},
): P {
  const { params, logSdDiag } = requireState('vi.diag.sample', state);
  return variational.sample(family, params, () => standardDeviations(logSdDiag), options);
}

/**
 * An estimate of the NELBO of {@link build} for q = N(mean, diag(sdDiag²)), a scalar, and the aux of the log posterior. At T = 1 it is 0 where
 * q equals a normalised target.
 *
 * @param options `temperature`, `nSamples` and `stl` as in {@link Config}; `seed` or `key` for the draws.
 */
export function nelbo<P extends TensorTree, B, A>(
  mean: P,
  sdDiag: NoInfer<P>,
  batch: B,
  logPosterior: LogProbFn<P, B, A>,
  options: NelboOptions = {},
): [nelbo: Tensor, aux: A] {
  return variational.nelbo(family, mean, () => sdDiag, batch, logPosterior, options);
}
