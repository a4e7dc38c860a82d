/** Stochastic gradient Hamiltonian Monte Carlo (Chen, Fox and Guestrin 2014, https://arxiv.org/abs/1402.4102, equation 15). */

import { type Disposer, valueAndGrad } from '@posteriors/autodiff';
import { normalLike } from '@posteriors/distributions';
import { type Key, split } from '@posteriors/random';
import {
  type AtStep,
  atStep,
  checkedLogProb,
  checkHyper,
  checkOptions,
  type HyperParameter,
  type InitOptions,
  initState,
  type LogProbFn,
  likeParams,
  notNegative,
  notYet,
  positive,
  type Scalars,
  type Stepper,
  stepCache,
  stepper,
  type Transform,
  type UpdateOptions,
} from '@posteriors/transform';
import { map, type TensorTree } from '@posteriors/tree';
import { add, mul, pow, sqrt, sub, Tensor } from '@tensorflow/tfjs-core';

/** Numbers, schedules or scalar tensors. */
export interface Hyper {
  /** Step size epsilon, positive. */
  readonly learningRate: HyperParameter;
  /** Friction alpha. Default 0.01. */
  readonly alpha?: HyperParameter;
  /** Estimate beta of the variance of the noise that minibatches put into each element of ∇log p(θ) / T; the noise added is so much less. Default 0. */
  readonly beta?: HyperParameter;
  /** Standard deviation sigma of the momenta at temperature 1. Default 1. */
  readonly sigma?: HyperParameter;
  /** Temperature T of the posterior: 1 / number of data for a log posterior that is a mean. 0 gives an optimiser. Default 1. */
  readonly temperature?: HyperParameter;
}

const defaults = { alpha: 0.01, beta: 0, sigma: 1, temperature: 1 } satisfies Partial<Hyper>;

export interface Config<P> extends Hyper {
  /** Initial momenta: a tree like the parameters, or a number for all. Default: drawn from N(0, sigma² T), their stationary law. */
  readonly momenta?: P | number;
}

/**
 * A sampler of `exp((log p(θ) - |m|² / 2σ²) / T)`, with momenta m and parameters θ:
 *
 *     θ ← θ + ε σ⁻² m
 *     m ← m + ε ∇log p(θ) - ε σ⁻² α m + √(T ε (2α - T ε β)) ξ,   ξ ~ N(0, I)
 *
 * where all right-hand sides are of the old state (Euler-Maruyama). The log posterior in the state and aux are of the old parameters too.
 */
export function build<P extends TensorTree, B, A>(
  logPosterior: LogProbFn<P, B, A>,
  config: Config<NoInfer<P>>,
): Transform<P, State<P>, B, A, Hyper> {
  checkOptions('sghmc.build', config, ['learningRate', ...Object.keys(defaults), 'momenta']);
  const { momenta, ...hyper } = config;
  return {
    init(params, options) {
      const { sigma, temperature } = atStep({ ...defaults, ...hyper }, 0);
      return init(params, { sigma, temperature, ...(momenta === undefined ? {} : { momenta }), ...options });
    },
    update: (state, batch, options) => update(state, batch, logPosterior, hyper, options),
  };
}

export interface State<P> extends Disposer {
  readonly params: P;
  /** Like the parameters. */
  readonly momenta: P;
  /** Log posterior of the parameters before the last update, a scalar; NaN before the first. */
  readonly logPosterior: Tensor;
  readonly key: Key;
  /** Updates so far. */
  readonly step: number;
}

/**
 * The first state. It owns its tensors; those given stay the caller's.
 *
 * @param options.momenta a tree like the parameters or a number; by default a draw from N(0, sigma² temperature).
 */
export function init<P extends TensorTree>(
  params: P,
  {
    momenta,
    sigma = defaults.sigma,
    temperature = defaults.temperature,
    ...options
  }: InitOptions & {
    readonly momenta?: NoInfer<P> | number;
    readonly sigma?: number | Tensor;
    readonly temperature?: number | Tensor;
  } = {},
): State<P> {
  const name = 'sghmc.init';
  checkHyper<Pick<Hyper, 'sigma' | 'temperature'>>(
    name,
    { sigma, temperature },
    { sigma: positive, temperature: notNegative },
  );
  return initState(name, params, options, (owned, key) => ({
    momenta:
      momenta === undefined ? stationaryMomenta(key, owned, sigma, temperature) : likeParams('momenta', momenta, owned),
    logPosterior: notYet(),
  }));
}

function stationaryMomenta<P extends TensorTree>(
  key: Key,
  params: P,
  sigma: number | Tensor,
  temperature: number | Tensor,
): P {
  const sd = mul(sigma, sqrt(temperature));
  return map((noise: Tensor) => mul(noise, sd), normalLike(key, params));
}

/**
 * One step of {@link build}'s update, with the log posterior and the hyper-parameters given at each call. Those in `options.hyper` replace
 * those in `hyper`.
 *
 * @returns the next state (the same one, changed, with `inplace`) and the aux of the log posterior.
 * @throws if the log posterior is not a scalar with aux, or the noise variance T ε (2α - T ε β) is negative and T, ε, α and β are all
 *   numbers; where one of them is a tensor, whose value is not read, the momenta become NaN.
 */
export function update<P extends TensorTree, B, A>(
  state: State<P>,
  batch: B,
  logPosterior: LogProbFn<P, B, A>,
  hyper: Hyper,
  options?: UpdateOptions<Hyper>,
): [state: State<P>, aux: A] {
  const hyperAt = (step: number): object => checked(atStep({ ...defaults, ...hyper, ...options?.hyper }, step));
  return stepOf(logPosterior)(state, batch, hyperAt, options);
}

function checked(values: AtStep<Required<Hyper>>): AtStep<Required<Hyper>> {
  checkHyper<Required<Hyper>>('sghmc.update', values, {
    learningRate: positive,
    alpha: notNegative,
    beta: notNegative,
    sigma: positive,
    temperature: notNegative,
  });
  const { learningRate, alpha, beta, temperature } = values;
  for (const value of [learningRate, alpha, beta, temperature]) if (value instanceof Tensor) return values;
  const loss = (temperature as number) * (learningRate as number) * (beta as number);
  if (2 * (alpha as number) < loss) {
    throw new Error(
      `sghmc.update: the noise variance is negative: 2 alpha = ${2 * (alpha as number)} is below temperature * learningRate * beta = ${loss}. Lower beta or the learning rate, or raise alpha.`,
    );
  }
  return values;
}

interface Tensors<P> {
  readonly params: P;
  readonly momenta: P;
  readonly logPosterior: Tensor;
}

const steps = stepCache();

function stepOf<P extends TensorTree, B, A>(logPosterior: LogProbFn<P, B, A>): Stepper<Tensors<P>, B, A> {
  return steps([logPosterior], '', () => makeStep(logPosterior));
}

function makeStep<P extends TensorTree, B, A>(logPosterior: LogProbFn<P, B, A>): Stepper<Tensors<P>, B, A> {
  const name = 'sghmc.update';
  const valueAndGradient = valueAndGrad(checkedLogProb(name, logPosterior), { hasAux: true });
  return stepper<Tensors<P>, B, Scalars<Hyper>, A>(
    name,
    ({ params, momenta }, batch, hyper, context) => {
      const { learningRate: epsilon, alpha, beta, sigma, temperature } = hyper;
      const [noise, model] = split(context.key);
      const [[logP, aux], gradient] = valueAndGradient(params, batch, { ...context, key: model });
      const drift = mul(epsilon, pow(sigma, -2));
      const friction = mul(drift, alpha);
      const heat = mul(temperature, epsilon);
      const noiseSd = sqrt(mul(heat, sub(mul(2, alpha), mul(heat, beta))));
      return [
        {
          params: map((theta: Tensor, m: Tensor) => add(theta, mul(drift, m)), params, momenta),
          momenta: map(
            (m: Tensor, g: Tensor, xi: Tensor) => add(add(sub(m, mul(friction, m)), mul(epsilon, g)), mul(noiseSd, xi)),
            momenta,
            gradient,
            normalLike(noise, momenta),
          ),
          logPosterior: logP,
        },
        aux,
      ];
    },
    'logPosterior',
  );
}
