import { Tensor } from '@tensorflow/tfjs-core';

/** A number that depends on the step: 0 for the first update, then 1, and so on. */
export type Schedule = (step: number) => number;

/** A number, a schedule, or a float32 scalar tensor (which `vmap` can map over). It enters the program as an input and never recompiles. */
export type HyperParameter = number | Schedule | Tensor;

/** Hyper-parameters as they are at one step. */
export type AtStep<H> = { readonly [K in keyof H]: number | Tensor };

/** The values that hyper-parameters have at a step: an object of its own where one is a schedule, else the one given. */
export function atStep<H extends { readonly [name: string]: HyperParameter }>(hyper: H, step: number): AtStep<H> {
  let values: { [name: string]: HyperParameter } = hyper;
  for (const name of Object.keys(hyper)) {
    const value = hyper[name];
    if (typeof value !== 'function') continue;
    if (values === hyper) values = { ...hyper };
    values[name] = value(step);
  }
  if (values === hyper) constant = values;
  return values as AtStep<H>;
}

/** The last values that {@link atStep} gave without asking a schedule. */
let constant: object | undefined;

/** Whether these are the values that {@link atStep} gave last, and the same at every step. */
export function areConstant(values: object): boolean {
  return values === constant;
}

/**
 * @throws unless each value that is a number passes the check given for its name. Tensors are not read.
 */
export function checkHyper<H>(name: string, values: AtStep<H>, checks: { readonly [K in keyof H]?: HyperCheck }): void {
  for (const key of Object.keys(checks) as (keyof H)[]) {
    const value = values[key];
    const check = checks[key] as HyperCheck;
    if (value instanceof Tensor) {
      if (value.rank !== 0) throw new Error(`${name}: ${String(key)} has shape [${value.shape}] and must be a scalar`);
      if (value.dtype !== 'float32') throw new Error(`${name}: ${String(key)} is ${value.dtype} and must be float32`);
    } else if (typeof value !== 'number' || !check.test(value)) {
      throw new Error(`${name}: ${String(key)} is ${value} and must be ${check.must}`);
    }
  }
}

/**
 * {@link checkHyper} ahead of the first step, when the values of schedules are not known yet and are left out.
 */
export function checkConstants<H>(
  name: string,
  hyper: { readonly [K in keyof H]?: unknown },
  checks: { readonly [K in keyof H]?: HyperCheck },
): void {
  const known = Object.entries(checks).filter(([key]) => typeof hyper[key as keyof H] !== 'function');
  checkHyper(name, hyper as AtStep<H>, Object.fromEntries(known) as typeof checks);
}

/** What a number must be. */
export interface HyperCheck {
  readonly test: (value: number) => boolean;
  readonly must: string;
}

export const positive: HyperCheck = { test: (value) => value > 0 && value < Infinity, must: 'a positive number' };
export const notNegative: HyperCheck = {
  test: (value) => value >= 0 && value < Infinity,
  must: 'a number that is not negative',
};
export const finite: HyperCheck = { test: Number.isFinite, must: 'a finite number' };
