import { checkOptions, type Schedule } from '@posteriors/transform';

/**
 * The same value at each step.
 *
 * @throws if the value is not a finite number.
 */
export function constantSchedule(value: number): Schedule {
  requireFinite('optim.constantSchedule', { value });
  return () => value;
}

/**
 * Half a cosine from `initial` at step 0 to `final` at step `steps` and after: `final + (initial - final) (1 + cos(pi step / steps)) / 2`.
 * Loshchilov & Hutter 2017, "SGDR: stochastic gradient descent with warm restarts", equation 5 without restarts.
 *
 * @param steps how many steps the way takes, an integer from 1.
 * @param options `final`, the value at the end. Default 0.
 * @throws if an option does not exist, a value is not finite, or `steps` is no such integer.
 */
export function cosineDecaySchedule(
  initial: number,
  steps: number,
  options: { readonly final?: number } = {},
): Schedule {
  const name = 'optim.cosineDecaySchedule';
  checkOptions(name, options, ['final']);
  const { final = 0 } = options;
  requireFinite(name, { initial, final });
  requireSteps(name, steps);
  return (step) => (step >= steps ? final : final + ((initial - final) * (1 + Math.cos((Math.PI * step) / steps))) / 2);
}

/**
 * From `initial` at step 0 to `final` at step `steps` and after: `final + (initial - final) (1 - step / steps)^power`. With the default power
 * of 1 a straight line, upwards too: a warm-up.
 *
 * @throws if an option does not exist, a value is not finite, `steps` is not an integer from 1, or `power` is not positive.
 */
export function polynomialSchedule(
  initial: number,
  steps: number,
  options: { readonly final?: number; readonly power?: number } = {},
): Schedule {
  const name = 'optim.polynomialSchedule';
  checkOptions(name, options, ['final', 'power']);
  const { final = 0, power = 1 } = options;
  requireFinite(name, { initial, final, power });
  requireSteps(name, steps);
  if (power <= 0) throw new Error(`${name}: power is ${power} and must be a positive number`);
  return (step) => (step >= steps ? final : final + (initial - final) * (1 - step / steps) ** power);
}

/**
 * `initial rate^(step / steps)`: the value is multiplied by `rate` every `steps` steps.
 *
 * @throws if an option does not exist, a value is not finite, `rate` is negative, or `steps` is not an integer from 1.
 */
export function exponentialDecaySchedule(
  initial: number,
  rate: number,
  options: { readonly steps?: number } = {},
): Schedule {
  const name = 'optim.exponentialDecaySchedule';
  checkOptions(name, options, ['steps']);
  const { steps = 1 } = options;
  requireFinite(name, { initial, rate });
  requireSteps(name, steps);
  if (rate < 0) throw new Error(`${name}: rate is ${rate} and must be a number that is not negative`);
  return (step) => initial * rate ** (step / steps);
}

/**
 * `initial (1 + step / offset)^-power`: step sizes with which stochastic gradient MCMC converges, for a power above 0.5 and up to 1. Welling
 * & Teh 2011, "Bayesian learning via stochastic gradient Langevin dynamics", equation 2 and after.
 *
 * @param options `power`, default 0.55; `offset` in steps, default 1.
 * @throws if an option does not exist, a value is not finite, or `power` or `offset` is not positive.
 */
export function powerDecaySchedule(
  initial: number,
  options: { readonly power?: number; readonly offset?: number } = {},
): Schedule {
  const name = 'optim.powerDecaySchedule';
  checkOptions(name, options, ['power', 'offset']);
  const { power = 0.55, offset = 1 } = options;
  requireFinite(name, { initial, power, offset });
  for (const [option, value] of Object.entries({ power, offset })) {
    if (value <= 0) throw new Error(`${name}: ${option} is ${value} and must be a positive number`);
  }
  return (step) => initial * (1 + step / offset) ** -power;
}

/**
 * One schedule after the other: the first for `steps` steps, then the second, which counts its steps from there. For a warm-up:
 * `sequenceSchedules(polynomialSchedule(0, 100, { final: 1e-3 }), 100, cosineDecaySchedule(1e-3, 900))`.
 *
 * @throws if `steps` is not an integer from 1.
 */
export function sequenceSchedules(first: Schedule, steps: number, second: Schedule): Schedule {
  requireSteps('optim.sequenceSchedules', steps);
  return (step) => (step < steps ? first(step) : second(step - steps));
}

function requireFinite(name: string, options: { readonly [option: string]: number }): void {
  for (const [option, value] of Object.entries(options)) {
    if (!Number.isFinite(value)) throw new Error(`${name}: ${option} is ${value} and must be a finite number`);
  }
}

function requireSteps(name: string, steps: number): void {
  if (Number.isSafeInteger(steps) && steps >= 1) return;
  throw new Error(`${name}: steps is ${steps} and must be an integer from 1`);
}
