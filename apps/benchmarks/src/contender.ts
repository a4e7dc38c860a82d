import type { Algorithm, Point } from './workloads/workload.ts';

/** Something that is timed. */
export interface Timeable {
  readonly name: string;
  readonly version: string;
  /** More than 1 where it is a program that loops by itself. Default 1. */
  readonly stepsPerCall?: number;
  /** Milliseconds that `calls` further steps of its own state take, waiting for the device included. */
  time(calls: number): Promise<number>;
  /** Frees what it holds. */
  close(): void;
}

/** One program that can run a workload. */
export interface Contender extends Timeable {
  /** How its mathematics differs from that of the workload, the work being the same. */
  readonly quirks?: readonly Quirk[];
  /**
   * Takes `steps` steps from a given state with the algorithm of the workload in given settings, with random numbers that are others at each
   * call, and answers where that leads. The state that is timed stays as it is.
   */
  advance(start: Point, algorithm: Algorithm, steps: number): Promise<Point>;
}

/**
 * `adamAsFirst`: its Adam corrects the bias of every step as if it were the first. `curvatureSubtracted`: what it subtracts from the inverse
 * covariance should be added.
 */
export type Quirk = 'adamAsFirst' | 'curvatureSubtracted';

/** A peer or a device that cannot be had, and why. */
export type Missing = { readonly name: string; readonly missing: string };
