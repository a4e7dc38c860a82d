import type { Point } from './workloads/workload.ts';

/** One program that can run a workload. */
export interface Contender {
  readonly name: string;
  readonly version: string;
  /** Whether its Adam corrects the bias of every step as if it were the first. */
  readonly correctsAsFirst?: boolean;
  /**
   * Takes `steps` steps from a given state at a given temperature, with random numbers that are others at each call, and
   * answers where that leads. The state that is timed stays as it is.
   */
  advance(start: Point, temperature: number, steps: number): Promise<Point>;
  /** Milliseconds that `calls` further steps of its own state take, waiting for the device included. */
  time(calls: number): Promise<number>;
  /** Frees what it holds. */
  close(): void;
}

/** A peer or a device that cannot be had, and why. */
export type Missing = { readonly name: string; readonly missing: string };
