/** Variational inference with one family of normal distributions or another. */

import { evaluate, stopGradient, valueAndGrad, vmap } from '@posteriors/autodiff';
import type { SampleOptions } from '@posteriors/distributions';
import { applyUpdates, type GradientTransformation, type StepHyper } from '@posteriors/optim';
import { foldIn, type Key, keyTensor, split } from '@posteriors/random';
import {
  atStep,
  checkConstants,
  checkedLogProb,
  checkHyper,
  checkOptions,
  type HyperParameter,
  type InitOptions,
  keyFrom,
  type LogProbFn,
  named,
  notNegative,
  type StateBase,
  type StepContext,
  type Stepper,
  stepCache,
  stepper,
  type UpdateOptions,
  warnOfScale,
} from '@posteriors/transform';
import type { TensorTree } from '@posteriors/tree';
import { mean as average, mul, range, scalar, sub, type Tensor } from '@tensorflow/tfjs-core';

export interface Hyper {
  /**
   * Temperature T of the posterior: 1 / number of data for a log posterior that is a mean. Default 1. At 0 no q is the best one: it shrinks
   * towards a point, which has no density, until the NELBO is NaN and `update` throws. For a maximum take `optim.build`.
   */
  readonly temperature?: HyperParameter;
}

/** How the NELBO is estimated. */
export interface Estimator {
  /** Draws of the parameters. Default 1. More than one give aux a leading axis. */
  readonly nSamples?: number;
  /** Stick the landing: no gradient through the parameters of log q, which has less variance near the optimum. Default true. */
  readonly stl?: boolean;
}

export interface NelboOptions extends Estimator, InitOptions {
  /** Temperature T of the posterior, a number or a scalar tensor. Default 1. */
  readonly temperature?: number | Tensor;
}

const hyperNames = ['temperature'];
export const defaults = { temperature: 1, nSamples: 1, stl: true } as const;

/** A family of normal distributions q, each of which is given by its mean and its spread, a tree of tensors. */
export interface Family<S extends TensorTree> {
  /** The module, for errors. */
  readonly name: string;
  /** The field of the state that holds what the optimiser moves for the spread. */
  readonly field: string;
  /** The spread of what that field holds. */
  readonly spreadOf: (moved: S) => S;
  readonly logProb: (theta: TensorTree, mean: TensorTree, spread: S) => Tensor;
  readonly sample: <P extends TensorTree>(key: Key, mean: P, spread: S, options: SampleOptions) => P;
}

/**
 * Looks at what `build` is given besides `option`, which is for `init`. `name` begins the errors.
 *
 * @throws if there are other options, or a number is out of its range; of a schedule there is nothing to look at yet.
 */
export function checkConfig(name: string, config: Hyper & Estimator, option: string): void {
  checkOptions(name, config, [...Object.keys(defaults), option]);
  const { temperature, nSamples } = { ...defaults, ...config };
  checkConstants<Required<Hyper>>(name, { temperature }, { temperature: notNegative });
  requireSamples(name, nSamples);
}

/** The functions whose users were told of standard deviations of 1. */
const told = new Set<string>();

/** Warns, once for each `name`, if the option `given` or its default `unit` starts every parameter with a standard deviation of 1. */
export function warnOfUnitSds(name: string, option: string, given: unknown, unit: number, advice: number): void {
  if ((given ?? unit) !== unit || told.has(name)) return;
  told.add(name);
  console.warn(
    `${name}: ${option} is ${unit}, so every parameter starts with a standard deviation of 1. A neural network then sees little but noise and hardly learns; ` +
      `give ${option} about ${advice} to start from. This warns only once.`,
  );
}

/** One step down the gradient of the NELBO, by the mean and by what is moved for the spread. The optimiser minimises. */
export function update<S extends TensorTree, State extends Tensors<P> & StateBase, P extends TensorTree, B, A>(
  family: Family<S>,
  state: State,
  batch: B,
  logPosterior: LogProbFn<P, B, A>,
  optimizer: GradientTransformation,
  { nSamples = defaults.nSamples, stl = defaults.stl, ...hyper }: Hyper & Estimator,
  options?: UpdateOptions<Hyper>,
): [state: State, aux: A] {
  const name = `${family.name}.update`;
  requireSamples(name, nSamples);
  checkOptions(name, hyper, hyperNames);
  const hyperAt = (step: number): object => {
    const values = atStep({ temperature: defaults.temperature, ...hyper, ...options?.hyper }, step);
    checkHyper<Required<Hyper>>(name, values, { temperature: notNegative });
    return { ...values, optimizer: optimizer.hyper(step) };
  };
  return stepOf(family, logPosterior, optimizer, nSamples, stl)(state, batch, hyperAt, options);
}

/** Draws from q, one by default. */
export function sample<S extends TensorTree, P extends TensorTree>(
  family: Family<S>,
  mean: P,
  spread: () => S,
  { sampleShape = [], ...options }: InitOptions & SampleOptions,
): P {
  const name = `${family.name}.sample`;
  return named(name, () => {
    const key = keyFrom(options);
    return evaluate(name, () => family.sample(key, mean, spread(), { sampleShape }));
  });
}

/** The estimate of the NELBO for any q, and the aux of the log posterior. */
export function nelbo<S extends TensorTree, P extends TensorTree, B, A>(
  family: Family<S>,
  mean: P,
  spread: () => S,
  batch: B,
  logPosterior: LogProbFn<P, B, A>,
  { temperature = defaults.temperature, nSamples = defaults.nSamples, stl = defaults.stl, ...options }: NelboOptions,
): [nelbo: Tensor, aux: A] {
  const name = `${family.name}.nelbo`;
  checkHyper<Required<Hyper>>(name, { temperature }, { temperature: notNegative });
  requireSamples(name, nSamples);
  return named(name, () => {
    const key = keyFrom(options);
    return evaluate(name, () => {
      const context = { key: keyTensor(key), step: scalar(0, 'int32') };
      const logProb = checkedLogProb(name, logPosterior);
      const settings = { temperature, nSamples, stl };
      const [value, { aux }] = estimate(family, mean, spread(), batch, logProb, settings, context);
      return [value, aux];
    });
  });
}

/**
 * `- E_q[log p(θ) - T log q(θ)]`, estimated with draws of θ from q through which the gradient goes, and the part `E_q[log p(θ)]` of it.
 */
function estimate<S extends TensorTree, P extends TensorTree, B, A>(
  family: Family<S>,
  mean: P,
  spread: S,
  batch: B,
  logPosterior: LogProbFn<P, B, A>,
  { temperature, nSamples, stl }: Required<Estimator> & { readonly temperature: number | Tensor },
  { key, step }: StepContext,
): [nelbo: Tensor, others: { readonly aux: A; readonly logPosterior: Tensor }] {
  const [noise, model] = split(key);
  const held = <T extends TensorTree>(tree: T): T => (stl ? stopGradient(tree) : tree);
  const [heldMean, heldSpread] = [held(mean), held(spread)];
  const term = (theta: P, modelKey: Tensor): [Tensor, { aux: A; logPosterior: Tensor }] => {
    const [logP, aux] = logPosterior(theta, batch, { key: modelKey, step });
    return [sub(mul(temperature, family.logProb(theta, heldMean, heldSpread)), logP), { aux, logPosterior: logP }];
  };
  if (nSamples === 1) return term(family.sample(noise, mean, spread, {}), model);
  const thetas = family.sample(noise, mean, spread, { sampleShape: [nSamples] });
  const [terms, { aux, logPosterior: values }] = vmap(term)(thetas, foldIn(model, range(0, nSamples, 1, 'int32')));
  return [average(terms), { aux, logPosterior: average(values) }];
}

function requireSamples(name: string, nSamples: number): void {
  if (!Number.isInteger(nSamples) || nSamples < 1)
    throw new Error(`${name}: nSamples is ${nSamples} and must be a whole number from 1`);
}

interface Tensors<P> {
  readonly params: P;
  readonly optState: TensorTree;
  readonly nelbo: Tensor;
}

interface StepHyperParameters {
  readonly temperature: Tensor;
  readonly optimizer: StepHyper;
}

const steps = stepCache();

function stepOf<S extends TensorTree, P extends TensorTree, B, A>(
  family: Family<S>,
  logPosterior: LogProbFn<P, B, A>,
  optimizer: GradientTransformation,
  nSamples: number,
  stl: boolean,
): Stepper<Tensors<P>, B, A> {
  const name = `${family.name}.update`;
  return steps([family, logPosterior, optimizer], `${nSamples} ${stl}`, () => {
    const logProb = checkedLogProb(name, logPosterior);
    return stepper<Tensors<P>, B, StepHyperParameters, A>(
      name,
      ({ params, optState, nelbo: _, ...others }, batch, { temperature, optimizer: hyper }, context) => {
        const moved = (others as { readonly [field: string]: S })[family.field] as S;
        const loss = ([mean, raw]: readonly [P, S]): ReturnType<typeof estimate<S, P, B, A>> => {
          const spread = family.spreadOf(raw);
          return estimate(family, mean, spread, batch, logProb, { temperature, nSamples, stl }, context);
        };
        const variational = [params, moved] as const;
        const [[value, { aux, logPosterior: inspected }], gradient] = valueAndGrad(loss, { hasAux: true })(variational);
        const [updates, nextOptState] = optimizer.update(gradient, optState, variational, hyper);
        const [mean, next] = applyUpdates(variational, updates);
        return [{ params: mean, [family.field]: next, optState: nextOptState, nelbo: value }, aux, inspected];
      },
      { value: 'nelbo', remedy, hyper: hyperNames, inspect: warnOfScale(name) },
    );
  });
}

/** What may be wrong where a field of the new state is not finite. */
function remedy(field: string, { temperature }: { readonly temperature?: unknown }): string {
  if (temperature === 0)
    return 'At temperature 0 no q is the best one: it shrinks towards a point, which has no density. Take a temperature above 0, or optim.build for a maximum.';
  const what =
    field === 'nelbo'
      ? 'Either the log posterior is not defined at a draw from q, or q has diverged'
      : 'Either the gradient of the NELBO is not finite, though its value is, or the step of the optimiser is far too large';
  return `${what}: lower the learning rate of the optimiser, and start from smaller standard deviations.`;
}
