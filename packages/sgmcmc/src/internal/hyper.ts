/** The hyper-parameters of the samplers: what they mean and what they must be. */

import {
  atStep,
  checkConstants,
  checkHyper,
  checkOptions,
  type HyperCheck,
  type HyperParameter,
  notNegative,
  positive,
} from '@posteriors/transform';
import type { Tensor } from '@tensorflow/tfjs-core';

/** Numbers, schedules or scalar tensors. */
export interface LangevinHyper {
  /** Step size epsilon, not negative. */
  readonly learningRate: HyperParameter;
  /** Temperature T of the posterior: 1 / number of data for a log posterior that is a mean. 0 gives an optimiser. Default 1. */
  readonly temperature?: HyperParameter;
}

/** Numbers, schedules or scalar tensors. */
export interface MomentumHyper extends LangevinHyper {
  /** Friction alpha. Default 0.01. */
  readonly alpha?: HyperParameter;
  /** Standard deviation sigma of the momenta at temperature 1. Default 1. */
  readonly sigma?: HyperParameter;
}

export interface GradientNoise {
  /** Estimate beta of the variance of the noise that minibatches put into each element of ∇log p(θ) / T; the noise added is so much less. Default 0. */
  readonly beta?: HyperParameter;
}

type Values = { readonly [name: string]: number | Tensor };

const checks = {
  learningRate: notNegative,
  alpha: notNegative,
  beta: notNegative,
  sigma: positive,
  temperature: notNegative,
};

const checksOf = (names: readonly string[]): { readonly [name: string]: HyperCheck } =>
  Object.fromEntries(Object.entries(checks).filter(([key]) => names.includes(key)));

/**
 * Looks at what `build` is given, whose hyper-parameters are the learning rate and those that have defaults.
 *
 * @throws if there are options besides those and `others`, and as {@link samplerHyper} for what is no schedule.
 */
export function checkConfig(name: string, config: object, defaults: object, others: readonly string[] = []): void {
  const names = ['learningRate', ...Object.keys(defaults)];
  checkOptions(name, config, [...names, ...others]);
  const hyper = { ...defaults, ...config } as { readonly [name: string]: HyperParameter };
  checkConstants(name, hyper, checksOf(names));
  if (names.includes('beta')) checkNoiseVariance(name, hyper);
}

/**
 * Reads the hyper-parameters named, at a step: those in `replacing` go before those in `given`, and these before the defaults. Numbers that are
 * those of the last call are not checked again, nor put together.
 *
 * @throws unless each value, if it is a number, is in its range, with `beta` there is a noise variance that is not negative, and `check` agrees.
 */
export function samplerHyper(
  name: string,
  names: readonly string[],
  defaults: object,
  check: (values: Values) => void,
): (step: number, given: object, replacing?: object) => Values {
  const checks = checksOf(names);
  let numbers: Values | undefined;
  return (step, given, replacing = {}) => {
    if (numbers !== undefined && areIn(names, numbers, [replacing, given, defaults])) return atStep(numbers, step);
    const hyper: { readonly [name: string]: HyperParameter } = { ...defaults, ...given, ...replacing };
    const values = atStep(hyper, step);
    checkHyper<Values>(name, values, checks);
    if (names.includes('beta')) checkNoiseVariance(name, values);
    check(values);
    const areConstant = values === hyper && Object.values(values).every((value) => typeof value === 'number');
    numbers = areConstant ? values : undefined;
    return values;
  };
}

/** Whether each of the values named is that in the first of the objects that has it. */
function areIn(names: readonly string[], values: Values, objects: readonly object[]): boolean {
  for (const name of names) {
    let i = 0;
    while (i < objects.length && !Object.hasOwn(objects[i] as object, name)) i++;
    if (values[name] !== (objects[i] as Partial<Values> | undefined)?.[name]) return false;
  }
  return true;
}

/** @throws if the noise variance T ε (2α - T ε β), of a sampler without friction T ε (2 - T ε β), is negative and its factors are numbers. */
function checkNoiseVariance(
  name: string,
  { learningRate, alpha, beta, temperature }: { readonly [name: string]: HyperParameter },
): void {
  const factors = [temperature, learningRate, beta];
  if (![...factors, alpha ?? 1].every((value) => typeof value === 'number')) return;
  const gain = 2 * ((alpha ?? 1) as number);
  const loss = (factors as number[]).reduce((product, value) => product * value);
  if (gain >= loss) return;
  const [what, remedy] = alpha === undefined ? ['2', ''] : [`2 alpha = ${gain}`, ', or raise alpha'];
  throw new Error(
    `${name}: the noise variance is negative: ${what} is below temperature * learningRate * beta = ${loss}. Lower beta or the learning rate${remedy}.`,
  );
}
