/** How good forecasts are. */
import type { Match } from './data.ts';
import type { Forecast } from './model.ts';

/** The negative log probability of what happened, in nats, of each match. */
export function logLosses(matches: readonly Match[], forecasts: readonly Forecast[]): number[] {
  return matches.map(({ result }, i) => -Math.log((forecasts[i] as Forecast)[result]));
}

export interface Mean {
  readonly mean: number;
  readonly standardError: number;
}

export function meanOf(values: readonly number[]): Mean {
  const n = values.length;
  const mean = values.reduce((sum, value) => sum + value, 0) / n;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, standardError: Math.sqrt(squares / (n * (n - 1))) };
}
