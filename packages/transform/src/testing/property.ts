import type { Disposer } from '@posteriors/autodiff';
import type { DeviceName } from '@posteriors/backend';
import type { TensorTree } from '@posteriors/tree';
import type { HyperParameter } from '../hyper.ts';
import { disposeTensors, type StateBase } from '../state.ts';
import type { LogProbFn, Transform } from '../transform.ts';
import type { Aux, Batch, Problem } from './problem.ts';

/** When the updates of an algorithm draw random numbers that matter: never, at temperatures above 0, or always. */
export type Draws = 'never' | 'unless cold' | 'always';

export interface ConformanceOptions<S> {
  /** Begins the names of the checks. */
  readonly name: string;
  /**
   * Makes the algorithm. Settings in `hyper` go on top of its own; the checks use only those named in the option `hyper`. An algorithm of
   * other functions than a log posterior derives them from it: `aux.prediction` are the outputs of a model, `batch.y` what was observed.
   */
  readonly build: (
    logPosterior: LogProbFn<TensorTree, Batch, Aux>,
    hyper: { readonly [name: string]: HyperParameter },
  ) => Transform<TensorTree, S, Batch, Aux>;
  /** Hyper-parameters that may be schedules, with the value that they start from in the check. Default none. */
  readonly hyper?: { readonly [name: string]: number };
  /** Default `'always'`. */
  readonly draws?: Draws;
  /** Devices to check on, whose entry points the tests import. Default `['cpu']`. */
  readonly devices?: readonly DeviceName[];
  /** How far cpu's numbers, and those of chains mapped together, may be off, of the largest of a leaf. Default 1e-5. */
  readonly tolerance?: number;
}

export type State = StateBase & Disposer & { readonly params: TensorTree };

/** What a property is tried with. */
interface Setting<S> {
  readonly transform: Transform<TensorTree, S, Batch, Aux>;
  readonly problem: Problem;
  readonly params: TensorTree;
  readonly batch: Batch;
  readonly options: Required<ConformanceOptions<S>>;
}

/** Something that holds for an algorithm, or throws. */
export type Property<S> = readonly [name: string, holds: (setting: Setting<S>) => Promise<void>];

/** The state after updates that are not in place, the earlier ones freed. */
export function updated<S extends State>(
  transform: Transform<TensorTree, S, Batch, Aux>,
  state: S,
  batch: Batch,
  count: number,
  options: { readonly compile?: boolean } = {},
): S {
  let current = state;
  for (let i = 0; i < count; i++) {
    const [next, aux] = transform.update(current, batch, options);
    disposeTensors([aux, current]);
    current = next;
  }
  return current;
}
