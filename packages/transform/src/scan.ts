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
import type { Transform } from './transform.ts';

export interface ScanOptions<S, A, C extends TensorTree> {
  /**
   * What is kept of the states: a pure function, written with tfjs ops, of the state after an update to a tree of tensors, such as
   * `(state) => state.params`. It is traced; aux is computed only if it declares a second parameter. Define it once, outside of the calls:
   * the program is kept for this function.
   */
  readonly collect?: (state: S, aux: A) => C;
  /** It is kept after updates `thin`, `2 thin`, ... Default 1. */
  readonly thin?: number;
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
export function scan<P extends TensorTree, S extends StateBase, B, A, C extends TensorTree = []>(
  transform: Transform<P, S, B, A>,
  state: S,
  batches: readonly NoInfer<B>[],
  options?: ScanOptions<S, A, C>,
): [state: S, collected: C];
export function scan<P extends TensorTree, S extends StateBase, B, A, C extends TensorTree = []>(
  transform: Transform<P, S, B, A>,
  state: S,
  updates: number,
  options: ScanOptions<S, A, C> & { readonly batch: NoInfer<B> },
): [state: S, collected: C];
export function scan<P extends TensorTree, S extends StateBase, B, A, C extends TensorTree = []>(
  transform: Transform<P, S, B, A>,
  state: S,
  updates: undefined extends B ? number : never,
  options?: ScanOptions<S, A, C>,
): [state: S, collected: C];
export function scan<P extends TensorTree, S extends StateBase, B, A, C extends TensorTree>(
  transform: Transform<P, S, B, A>,
  state: S,
  batches: number | readonly B[],
  options: ScanOptions<S, A, C> & { readonly batch?: B } = {},
): [state: S, collected: C] {
  requireBatches(batches);
  const known = typeof batches === 'number' ? ['batch', 'collect', 'thin', 'check'] : ['collect', 'thin', 'check'];
  const { batch, collect, thin = 1, check = true } = checkOptions('scan', options, known);
  return named('scan', () => {
    requireState('scan', state);
    requireWhole('thin', thin);
    if (typeof batches === 'number') requireWhole('the number of updates', batches);
    const updates = typeof batches === 'number' ? batches : batches.length;
    const given = typeof batches === 'number' ? sameBatch(batch as B) : stackBatches(batches);
    try {
      return run(transform, state, given, { updates, collect, thin, check });
    } finally {
      given.dispose();
    }
  });
}

function requireBatches(batches: unknown): void {
  if (typeof batches === 'number' || Array.isArray(batches)) return;
  const what = batches instanceof Tensor ? 'a tensor' : `of type ${typeof batches}`;
  throw new Error(
    `scan: the batches are ${what} and must be an array with one for each update, or a number of updates`,
  );
}

function requireWhole(what: string, value: number): void {
  if (!Number.isInteger(value) || value < 1) throw new Error(`${what} is ${value} and must be a whole number from 1`);
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

function run<P extends TensorTree, S extends StateBase, B, A, C extends TensorTree>(
  transform: Transform<P, S, B, A>,
  state: S,
  { batch, sliced }: StackedBatches<B>,
  { check, ...plan }: Plan<S, A, C> & { readonly check: boolean },
): [state: S, collected: C] {
  const { updates, thin, collect } = plan;
  const program = programs(collect ? [transform, collect] : [transform], `${updates} ${thin}`, () => {
    countProgram(transform);
    const trace = (args: Arguments<B>): Results<C> => loopOfUpdates(transform, plan, args);
    return { trace, compiled: jit(trace, { name: 'scan' }) };
  });
  const { key, step, ...tensors } = state;
  const args = { tensors: tensors as TensorTree, key, step, first: clockOf(step).step, batch, sliced };
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
