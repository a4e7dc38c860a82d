/** Many updates in one call. */
import { checkOptions, evaluate, jit } from '@posteriors/autodiff';
import { currentTrace } from '@posteriors/backend';
import type { TensorTree } from '@posteriors/tree';
import { clone, Tensor } from '@tensorflow/tfjs-core';
import { type StackedBatches, sameBatch, stackBatches } from './batches.ts';
import { clockOf } from './clock.ts';
import { type Arguments, loopOfUpdates, type Plan, type Results } from './loop-of-updates.ts';
import { named } from './named.ts';
import { readsAtOnce } from './reads-at-once.ts';
import { disposeTensors, makeState, requireState, type StateBase } from './state.ts';
import { chainsOf, describeNotFinite } from './status.ts';
import { stepCache } from './step.ts';
import { describeGiven, type NoHyper, requireTransform, type Transform } from './transform.ts';

export interface ScanOptions<S, A, C extends TensorTree, H = NoHyper> {
  /**
   * What is kept of the states: a pure function, written with tfjs ops, of the state after an update to a tree of tensors, such as
   * `(state) => state.params`. It is traced; aux is computed only if it declares a second parameter. Define it once, outside of the calls:
   * the program is kept for this function.
   */
  readonly collect?: (state: S, aux: A) => C;
  /** It is kept after updates `thin`, `2 thin`, ... Default 1. */
  readonly thin?: number;
  /**
   * Hyper-parameters that replace those of `build`, for this call: numbers, and tensors as `update` of the transform takes them, but no
   * schedules. They enter the program as inputs.
   */
  readonly hyper?: Partial<H>;
  /**
   * Whether to throw where a number of the new state is NaN or infinite, on devices that can be read at once. Default true. On WebGPU, and inside
   * of `vmap`, `check(state)` looks.
   */
  readonly check?: boolean;
}

/**
 * Many updates as one call of one compiled program: the same numbers as by a loop of `transform.update`, without what a call costs.
 *
 *     const [next, draws] = scan(sampler, state, 1000, { batch, collect: ({ params }) => params, thin: 10 });
 *
 * It is synchronous and pure: the state given stays as it is, and what is returned belongs to the caller. The program is compiled at the first
 * call and kept for this transform, this `collect`, and each number of updates and `thin`; new states, batches and values of schedules,
 * which are asked for all steps ahead, run it again. A transform of one's own must keep the key of a state, as those of `stepper` do, and cannot
 * see in which step it is.
 *
 * @param batches an array with one batch for each update, all of one structure and shapes: leaves that are the same tensor in all of them are
 *   given once, others are stacked on the device, so that it holds all batches for the time of the call. Or the number of updates,
 *   each of which sees `options.batch`.
 * @returns the state after all updates, and what `collect` gave, each tensor with an axis of length ⌊updates / thin⌋ in front; [] without
 *   `collect`. Updates that `thin` leaves over run too, and are not collected.
 * @throws if the number of updates or `thin` is not a whole number from 1, there are no batches or they differ in structure or shapes, or the
 *   state is not finite after the updates: the old one is as it was, and nothing is left behind.
 */
export function scan<P extends TensorTree, S extends StateBase, B, A, H, C extends TensorTree = []>(
  transform: Transform<P, S, B, A, H>,
  state: S,
  batches: readonly NoInfer<B>[],
  options?: ScanOptions<S, A, C, H>,
): [state: S, collected: C];
export function scan<P extends TensorTree, S extends StateBase, B, A, H, C extends TensorTree = []>(
  transform: Transform<P, S, B, A, H>,
  state: S,
  updates: undefined extends B ? number : never,
  options?: ScanOptions<S, A, C, H>,
): [state: S, collected: C];
export function scan<P extends TensorTree, S extends StateBase, B, A, H, C extends TensorTree = []>(
  transform: Transform<P, S, B, A, H>,
  state: S,
  updates: number,
  options: ScanOptions<S, A, C, H> & { readonly batch: NoInfer<B> },
): [state: S, collected: C];
export function scan<P extends TensorTree, S extends StateBase, B, A, H, C extends TensorTree>(
  transform: Transform<P, S, B, A, H>,
  state: S,
  batches: number | readonly B[],
  options: ScanOptions<S, A, C, H> & { readonly batch?: B } = {},
): [state: S, collected: C] {
  requireTransform('scan', transform);
  requireBatches(batches);
  const known = ['collect', 'thin', 'hyper', 'check'];
  const {
    batch,
    collect,
    thin,
    hyper = {},
    check = true,
  } = checkOptions('scan', options, typeof batches === 'number' ? ['batch', ...known] : known);
  return named('scan', () => {
    requireState('scan', state);
    requireNumbers(hyper);
    if (typeof batches === 'number') requireWhole('the number of updates', batches);
    const updates = typeof batches === 'number' ? batches : batches.length;
    requireCollect(collect, thin, updates);
    const given = typeof batches === 'number' ? sameBatch(batch as B) : stackBatches(batches);
    const plan = { updates, thin: thin ?? 1, collect };
    try {
      return run(transform, state, given, hyper, plan, check);
    } catch (error) {
      if (typeof batches !== 'number' || 'batch' in options) throw error;
      const { message } = error as Error;
      throw new Error(`${message} No batch was given: scan(transform, state, n, { batch }).`, { cause: error });
    } finally {
      given.dispose();
    }
  });
}

function requireBatches(batches: unknown): void {
  if (typeof batches === 'number' || Array.isArray(batches)) return;
  const isIterable = typeof batches === 'object' && batches !== null && Symbol.iterator in batches;
  throw new Error(
    `scan: the batches are ${describeGiven(batches)} and must be an array with one for each update, or a number of updates` +
      (isIterable && !(batches instanceof Tensor) ? ': write [...batches]' : ''),
  );
}

/** The loop counts its iterations in as many bits. */
const mostUpdates = 2 ** 31 - 1;

function requireWhole(what: string, value: number): void {
  if (!Number.isInteger(value) || value < 1)
    throw new Error(`${what} is ${describeGiven(value)} and must be a whole number from 1`);
  if (value > mostUpdates) {
    throw new Error(
      `${what} is ${value} and must be ${mostUpdates} at most: call scan again with the state that it returns`,
    );
  }
}

/** @throws unless what is to be collected is a function, and `thin` lets some of it through. */
function requireCollect(collect: unknown, thin: number | undefined, updates: number): void {
  if (collect !== undefined && typeof collect !== 'function')
    throw new Error(`collect is ${describeGiven(collect)} and must be a function of a state`);
  if (thin === undefined) return;
  requireWhole('thin', thin);
  if (collect === undefined) throw new Error('thin says how often to collect, and there is no collect');
  if (thin > updates)
    throw new Error(`thin is ${thin} and there are ${updates} updates, so that nothing would be collected`);
}

/** @throws if a hyper-parameter is a schedule. */
function requireNumbers(hyper: object): void {
  for (const [name, value] of Object.entries(hyper))
    if (typeof value === 'function')
      throw new Error(`hyper.${name} is a schedule: give it to build, whose schedules are asked for all steps`);
}

const programs = stepCache();

/** How many programs were made for a transform, and after how many a warning says what makes new ones. */
const counts = new WeakMap<object, number>();
const manyPrograms = 9;

function countProgram(transform: object): void {
  const count = (counts.get(transform) ?? 0) + 1;
  counts.set(transform, count);
  if (count !== manyPrograms) return;
  console.warn(
    `scan: ${count} programs were made for one transform. Each new function collect, number of updates and thin compiles anew: define collect ` +
      'once, outside of the calls, and call with few different numbers. This warns only once.',
  );
}

function run<P extends TensorTree, S extends StateBase, B, A, H, C extends TensorTree>(
  transform: Transform<P, S, B, A, H>,
  state: S,
  { batch, sliced }: StackedBatches<B>,
  hyper: Partial<H>,
  plan: Plan<S, A, C>,
  check: boolean,
): [state: S, collected: C] {
  const { updates, thin, collect } = plan;
  const program = programs(collect ? [transform, collect] : [transform], `${updates} ${thin}`, () => {
    countProgram(transform);
    const trace = (args: Arguments<B, H>): Results<C> => loopOfUpdates(transform, plan, args);
    return { trace, compiled: jit(trace, { name: 'scan' }) };
  });
  const { key, step, ...tensors } = state;
  const args = { tensors: tensors as TensorTree, key, step, first: clockOf(step).step, batch, sliced, hyper };
  const results = currentTrace() === null ? program.compiled(args) : evaluate('scan', () => program.trace(args));
  if (check && readsAtOnce()) {
    const found = describeNotFinite(results.tensors as object, chainsOf(key));
    if (found !== undefined) {
      disposeTensors(results);
      throw new Error(
        `after the updates of steps ${step} to ${results.step - 1} ${found}. Call update with one batch at a time: it tells the step, and what may help. ` +
          'The state is as it was; { check: false } goes on regardless.',
      );
    }
  }
  const ownKey = key instanceof Uint32Array ? key : clone(key);
  return [
    makeState({ ...(results.tensors as object), key: ownKey, step: results.step }) as unknown as S,
    results.collected,
  ];
}
