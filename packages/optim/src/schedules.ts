import type { Schedule } from '@posteriors/transform';

/**
 * The same value at each step.
 *
 * @throws if the value is not a finite number.
 */
export function constantSchedule(value: number): Schedule {
  requireFinite('optim.constantSchedule', 'value', value);
  return () => value;
}

/**
 * Half a cosine from `initial` at step 0 to `final` at step `steps` and after: `final + (initial - final) (1 + cos(pi step / steps)) / 2`.
 * Loshchilov & Hutter 2017, "SGDR: stochastic gradient descent with warm restarts", equation 5 without restarts.
 *
 * @param steps how many steps the way takes, an integer from 1.
 * @param options `final`, the value at the end. Default 0.
 * @throws if a value is not finite, or `steps` is no such integer.
 */
export function cosineDecaySchedule(
  initial: number,
  steps: number,
  { final = 0 }: { readonly final?: number } = {},
): Schedule {
  const name = 'optim.cosineDecaySchedule';
  requireFinite(name, 'initial', initial);
  requireFinite(name, 'final', final);
  if (!Number.isSafeInteger(steps) || steps < 1)
    throw new Error(`${name}: steps is ${steps} and must be an integer from 1`);
  return (step) => (step >= steps ? final : final + ((initial - final) * (1 + Math.cos((Math.PI * step) / steps))) / 2);
}

function requireFinite(name: string, option: string, value: number): void {
  if (!Number.isFinite(value)) throw new Error(`${name}: ${option} is ${value} and must be a finite number`);
}
