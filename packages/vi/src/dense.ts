/**
 * Variational inference with a normal of full covariance (Titsias and Lázaro-Gredilla 2014, "Doubly Stochastic Variational Bayes for
 * non-Conjugate Inference"), with the stick-the-landing gradient (Roeder, Wu and Duvenaud 2017, https://arxiv.org/abs/1703.09194).
 */

import type { Disposer } from '@posteriors/autodiff';
import {
  denseNormalLogProb,
  denseNormalSample,
  LFromFlat,
  LToFlat,
  type SampleOptions,
} from '@posteriors/distributions';
import { type GradientTransformation, requireOptimizer } from '@posteriors/optim';
import type { Key } from '@posteriors/random';
import {
  type InitOptions,
  initState,
  type LogProbFn,
  named,
  notYet,
  readsAtOnce,
  requireState,
  symmetricLike,
  type Transform,
  type UpdateOptions,
} from '@posteriors/transform';
import { size, type TensorTree } from '@posteriors/tree';
import { clone, Tensor } from '@tensorflow/tfjs-core';
import type { Estimator, Family, Hyper, NelboOptions } from './variational.ts';
import * as variational from './variational.ts';

export type { Estimator, Hyper, NelboOptions } from './variational.ts';

export interface Config extends Hyper, Estimator {
  /**
   * Initial factor of the covariance, for n parameters in all: a number or a scalar tensor for that times the identity, a lower triangular
   * matrix `[n, n]`, or its lower triangle row after row, `[n (n + 1) / 2]`; no 0 on the diagonal. Default 1; 0.05 suits a network.
   */
  readonly initL?: number | Tensor;
}

const defaults = { ...variational.defaults, initL: 1 } as const;

/** N(mean, L Lᵀ), of which the elements of L are moved: log q by `log |det L| = Σ log |L_ii|`, so that L is never factorised. */
const family: Family<Tensor> = {
  name: 'vi.dense',
  field: 'LFactor',
  spreadOf: LFromFlat,
  logProb: (theta, mean, factor) => denseNormalLogProb(theta, mean, { factor }),
  sample: (key, mean, factor, options) => denseNormalSample(key, mean, { factor }, options),
};

/**
 * Fits q(θ) = N(mean, L Lᵀ) to `exp(log p(θ) / T)` by gradient steps on
 *
 *     NELBO = - E_q[log p(θ) - T log q(θ)]
 *
 * estimated with draws θ = mean + L ξ, ξ ~ N(0, I), for the mean and the lower triangle of L, whose diagonal may change its sign. The
 * optimiser minimises.
 *
 * Other than in posteriors 0.1.2, sticking the landing holds the mean in log q as well as L, so gradients of the mean differ from it there; and
 * the optimiser's state moves on in place as well.
 */
export function build<P extends TensorTree, B, A>(
  logPosterior: LogProbFn<P, B, A>,
  optimizer: GradientTransformation,
  config: Config = {},
): Transform<P, State<P>, B, A, Hyper> {
  variational.checkConfig('vi.dense.build', config, 'initL');
  requireOptimizer('vi.dense.build', optimizer, 'the second argument');
  const { initL, ...settings } = config;
  return {
    init: (params, options) => init(params, optimizer, { ...(initL === undefined ? {} : { initL }), ...options }),
    update: (state, batch, options) => update(state, batch, logPosterior, optimizer, settings, options),
  };
}

export interface State<P> extends Disposer {
  /** The mean of q: n numbers in all. */
  readonly params: P;
  /** The lower triangle of L row after row, `[n (n + 1) / 2]`, with the parameters in the order of `ravel`; `LFromFlat` makes the matrix. */
  readonly LFactor: Tensor;
  readonly optState: TensorTree;
  /** The estimate at the last update, of the q before it, a scalar; NaN before the first. */
  readonly nelbo: Tensor;
  readonly key: Key;
  /** Updates so far. */
  readonly step: number;
}

/**
 * The first state. It owns its tensors; those given stay the caller's. `initL` as in {@link Config}; this warns, once, where it is 1.
 *
 * @throws if `initL` does not fit the parameters, is not finite, has a 0 on its diagonal, as a covariance of 0 has no density, or anything
 *   above it. Tensors are read on cpu and wasm only.
 */
export function init<P extends TensorTree>(
  params: P,
  optimizer: GradientTransformation,
  { initL, ...options }: InitOptions & Pick<Config, 'initL'> = {},
): State<P> {
  const name = 'vi.dense.init';
  variational.warnOfUnitSds(name, 'initL', initL, defaults.initL, 0.05);
  if (initL !== undefined) named(name, () => requireFactor(initL, size(params)));
  return initState(name, params, options, (owned) => {
    const LFactor = triangleOf(initL ?? defaults.initL, size(owned));
    return { LFactor, optState: optimizer.init([owned, LFactor]), nelbo: notYet() };
  });
}

/** @throws if it does not fit `n` parameters; where it can be read at once, also if it is no factor of a covariance that has a density. */
function requireFactor(initL: number | Tensor, n: number): void {
  if (typeof initL === 'number') {
    if (Number.isFinite(initL) && initL !== 0) return;
    throw new Error(`initL is ${initL} and must be a finite number other than 0, or a tensor`);
  }
  const length = (n * (n + 1)) / 2;
  const is = initL instanceof Tensor ? `${initL.dtype}[${initL.shape}]` : `a ${typeof initL}`;
  if (!['float32[]', `float32[${[n, n]}]`, `float32[${length}]`].includes(is)) {
    throw new Error(
      `initL is ${is}, and ${n} parameters take a number, float32[${n},${n}], or its lower triangle, float32[${length}]`,
    );
  }
  if (initL.isDisposed) throw new Error(`initL is a disposed tensor ${is}`);
  if (readsAtOnce()) requireTriangle(initL);
}

/** @throws if it has a 0 on the diagonal, something above it, or anything that is not finite. */
function requireTriangle(initL: Tensor): void {
  const columns = initL.shape[1] ?? 1;
  for (const [at, value] of initL.dataSync().entries()) {
    const [row, column] = initL.rank === 1 ? placeInTriangle(at) : [Math.floor(at / columns), at % columns];
    const must =
      !Number.isFinite(value) ? 'finite'
      : row === column && value === 0 ? 'other than 0 on the diagonal, as a covariance of 0 has no density'
      : column > row && value !== 0 ? '0 above the diagonal'
      : undefined; // biome-ignore format: a table
    if (must !== undefined) throw new Error(`initL is ${value} in row ${row}, column ${column}, and must be ${must}`);
  }
}

/** The row and the column of an element of a lower triangle that lies row after row. */
function placeInTriangle(at: number): readonly [row: number, column: number] {
  const row = Math.floor((Math.sqrt(1 + 8 * at) - 1) / 2);
  return [row, at - (row * (row + 1)) / 2];
}

function triangleOf(initL: number | Tensor, n: number): Tensor {
  if (typeof initL === 'number' || initL.rank === 0) return LToFlat(symmetricLike(initL, n));
  return initL.rank === 2 ? LToFlat(initL) : clone(initL);
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
  state: Pick<State<P>, 'params' | 'LFactor'>,
  options: InitOptions & SampleOptions = {},
): P {
  const { params, LFactor } = requireState('vi.dense.sample', state);
  return variational.sample(family, params, () => LFromFlat(LFactor), options);
}

/**
 * An estimate of the NELBO of {@link build} for q = N(mean, L Lᵀ), a scalar, and the aux of the log posterior. At T = 1 it is 0 where q equals
 * a normalised target.
 *
 * @param LFactor the lower triangle of L row after row, as in {@link State}.
 * @param options `temperature`, `nSamples` and `stl` as in {@link Config}; `seed` or `key` for the draws.
 */
export function nelbo<P extends TensorTree, B, A>(
  mean: P,
  LFactor: Tensor,
  batch: B,
  logPosterior: LogProbFn<P, B, A>,
  options: NelboOptions = {},
): [nelbo: Tensor, aux: A] {
  return variational.nelbo(family, mean, () => LFromFlat(LFactor), batch, logPosterior, options);
}
