/**
 * Variational inference with a diagonal normal (Blundell et al. 2015, https://arxiv.org/abs/1505.05424), with the stick-the-landing
 * gradient (Roeder, Wu and Duvenaud 2017, https://arxiv.org/abs/1703.09194).
 */

import { type Disposer, evaluate, stopGradient, valueAndGrad, vmap } from '@posteriors/autodiff';
import { diagNormalLogProb, diagNormalSample } from '@posteriors/distributions';
import { applyUpdates, type GradientTransformation, type StepHyper } from '@posteriors/optim';
import { foldIn, type Key, keyTensor, split } from '@posteriors/random';
import {
  atStep,
  checkedLogProb,
  checkHyper,
  checkOptions,
  type HyperParameter,
  type InitOptions,
  initState,
  keyFrom,
  type LogProbFn,
  likeParams,
  named,
  notNegative,
  notYet,
  type StepContext,
  type Stepper,
  stepCache,
  stepper,
  type Transform,
  type UpdateOptions,
} from '@posteriors/transform';
import { map, type TensorTree } from '@posteriors/tree';
import { mean as average, exp, mul, range, scalar, sub, type Tensor } from '@tensorflow/tfjs-core';

export interface Hyper {
  /** Temperature T of the posterior: 1 / number of data for a log posterior that is a mean. Default 1. */
  readonly temperature?: HyperParameter;
}

/** How the NELBO is estimated. */
export interface Estimator {
  /** Draws of the parameters. Default 1. More than one give aux a leading axis. */
  readonly nSamples?: number;
  /** Stick the landing: no gradient through the parameters of log q, which has less variance near the optimum. Default true. */
  readonly stl?: boolean;
}

export interface Config<P> extends Hyper, Estimator {
  /** Initial logarithms of the standard deviations: a tree like the parameters, or a number for all. Default 0; -3 suits a network. */
  readonly initLogSds?: P | number;
}

const defaults = { temperature: 1, nSamples: 1, stl: true, initLogSds: 0 } as const;

/**
 * Fits q(θ) = N(mean, diag(sd²)) to `exp(log p(θ) / T)` by gradient steps on
 *
 *     NELBO = - E_q[log p(θ) - T log q(θ)]
 *
 * estimated with draws θ = mean + sd ξ, ξ ~ N(0, I), for the mean and the logarithms of the standard deviations. The optimiser minimises.
 */
export function build<P extends TensorTree, B, A>(
  logPosterior: LogProbFn<P, B, A>,
  optimizer: GradientTransformation,
  config: Config<NoInfer<P>> = {},
): Transform<P, State<P>, B, A, Hyper> {
  checkOptions('vi.diag.build', config, Object.keys(defaults));
  requireOptimizer('vi.diag.build', optimizer);
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

function requireOptimizer(name: string, optimizer: unknown): void {
  const { init, hyper, update } = (optimizer ?? {}) as { readonly [method: string]: unknown };
  if ([init, hyper, update].every((method) => typeof method === 'function')) return;
  throw new Error(
    `${name}: the second argument must be an optimiser of @posteriors/optim, such as optim.adam({ learningRate: 1e-3 })`,
  );
}

/** Whether the user was told of an `initLogSds` of 0 that was given: a choice, of which one warning is enough. */
let warnedOfChoice = false;

/**
 * The first state. It owns its tensors; those given stay the caller's. `initLogSds` as in {@link Config}; where it is 0 by default, this warns,
 * where a 0 is given, once.
 */
export function init<P extends TensorTree>(
  params: P,
  optimizer: GradientTransformation,
  { initLogSds, ...options }: InitOptions & { readonly initLogSds?: NoInfer<P> | number } = {},
): State<P> {
  const name = 'vi.diag.init';
  if (initLogSds === undefined || (initLogSds === 0 && !warnedOfChoice)) {
    warnedOfChoice ||= initLogSds === 0;
    console.warn(
      `${name}: initLogSds is 0, so every parameter starts with a standard deviation of 1. A neural network then sees little but noise and hardly learns; ` +
        'start from about -3. Give initLogSds to choose; of a 0 that is given this warns only once.',
    );
  }
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
  { nSamples = defaults.nSamples, stl = defaults.stl, ...hyper }: Hyper & Estimator = {},
  options?: UpdateOptions<Hyper>,
): [state: State<P>, aux: A] {
  const name = 'vi.diag.update';
  checkSamples(name, nSamples);
  const hyperAt = (step: number): object => {
    const values = atStep({ temperature: defaults.temperature, ...hyper, ...options?.hyper }, step);
    checkHyper<Required<Hyper>>(name, values, { temperature: notNegative });
    return { ...values, optimizer: optimizer.hyper(step) };
  };
  return stepOf(logPosterior, optimizer, nSamples, stl)(state, batch, hyperAt, options);
}

/** `sampleShape` draws from q: a tree like the parameters, each leaf with `sampleShape` in front. By default one draw and no new axis. */
export function sample<P extends TensorTree>(
  state: Pick<State<P>, 'params' | 'logSdDiag'>,
  { sampleShape = [], ...options }: InitOptions & { readonly sampleShape?: readonly number[] } = {},
): P {
  const name = 'vi.diag.sample';
  return named(name, () => {
    const key = keyFrom(options);
    return evaluate(name, () => {
      const sds = map((logSd: Tensor) => exp(logSd), state.logSdDiag);
      return diagNormalSample(key, state.params, sds, { sampleShape });
    });
  });
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
  {
    temperature = defaults.temperature,
    nSamples = defaults.nSamples,
    stl = defaults.stl,
    ...options
  }: Estimator & InitOptions & { readonly temperature?: number | Tensor } = {},
): [nelbo: Tensor, aux: A] {
  const name = 'vi.diag.nelbo';
  checkHyper<Required<Hyper>>(name, { temperature }, { temperature: notNegative });
  checkSamples(name, nSamples);
  return named(name, () => {
    const key = keyFrom(options);
    return evaluate(name, () => {
      const context = { key: keyTensor(key), step: scalar(0, 'int32') };
      return estimate(checkedLogProb(name, logPosterior), mean, sdDiag, batch, temperature, nSamples, stl, context);
    });
  });
}

function estimate<P extends TensorTree, B, A>(
  logPosterior: LogProbFn<P, B, A>,
  mean: P,
  sdDiag: P,
  batch: B,
  temperature: number | Tensor,
  nSamples: number,
  stl: boolean,
  { key, step }: StepContext,
): [nelbo: Tensor, aux: A] {
  const [noise, model] = split(key);
  const q = stl ? stopGradient([mean, sdDiag] as const) : ([mean, sdDiag] as const);
  const term = (theta: P, modelKey: Tensor): [Tensor, A] => {
    const [logP, aux] = logPosterior(theta, batch, { key: modelKey, step });
    return [sub(mul(temperature, diagNormalLogProb(theta, ...q)), logP), aux];
  };
  if (nSamples === 1) return term(diagNormalSample(noise, mean, sdDiag), model);
  const thetas = diagNormalSample(noise, mean, sdDiag, { sampleShape: [nSamples] });
  const [terms, aux] = vmap(term)(thetas, foldIn(model, range(0, nSamples, 1, 'int32')));
  return [average(terms), aux];
}

function checkSamples(name: string, nSamples: number): void {
  if (!Number.isInteger(nSamples) || nSamples < 1)
    throw new Error(`${name}: nSamples is ${nSamples} and must be a whole number from 1`);
}

interface Tensors<P> {
  readonly params: P;
  readonly logSdDiag: P;
  readonly optState: TensorTree;
  readonly nelbo: Tensor;
}

interface StepHyperParameters {
  readonly temperature: Tensor;
  readonly optimizer: StepHyper;
}

const steps = stepCache();

function stepOf<P extends TensorTree, B, A>(
  logPosterior: LogProbFn<P, B, A>,
  optimizer: GradientTransformation,
  nSamples: number,
  stl: boolean,
): Stepper<Tensors<P>, B, A> {
  const name = 'vi.diag.update';
  return steps([logPosterior, optimizer], `${nSamples} ${stl}`, () => {
    const logProb = checkedLogProb(name, logPosterior);
    return stepper<Tensors<P>, B, StepHyperParameters, A>(
      name,
      ({ params, logSdDiag, optState }, batch, { temperature, optimizer: hyper }, context) => {
        const loss = ([mean, logSds]: readonly [P, P]): [Tensor, A] => {
          const sds = map((logSd: Tensor) => exp(logSd), logSds);
          return estimate(logProb, mean, sds, batch, temperature, nSamples, stl, context);
        };
        const variational = [params, logSdDiag] as const;
        const [[value, aux], gradient] = valueAndGrad(loss, { hasAux: true })(variational);
        const [updates, nextOptState] = optimizer.update(gradient, optState, variational, hyper);
        const [mean, logSds] = applyUpdates(variational, updates);
        return [{ params: mean, logSdDiag: logSds, optState: nextOptState, nelbo: value }, aux];
      },
      'nelbo',
    );
  });
}
