/** The step that algorithms share: one compiled program from the tensors of a state, a batch and hyper-parameters to new tensors. */

import { type Compiled, checkOptions, evaluate, jit } from '@posteriors/autodiff';
import { currentTrace, printAval } from '@posteriors/backend';
import { foldIn } from '@posteriors/random';
import { giveLeaves, leaves, map as mapTree, mapWithPath } from '@posteriors/tree';
import { clone, keep, reshape, Tensor } from '@tensorflow/tfjs-core';
import { clockOf } from './clock.ts';
import { requireOneKey } from './init.ts';
import { errorOf, named } from './named.ts';
import { readsAtOnce } from './reads-at-once.ts';
import { disposeTensors, makeState, requireState, type StateBase } from './state.ts';
import { findNotFinite } from './status.ts';
import type { StepContext, UpdateOptions } from './transform.ts';

/** Hyper-parameters as they are inside of a step: scalar tensors. */
export type Scalars<H> = { readonly [K in keyof H]-?: Tensor };

/**
 * The mathematics of one update, pure and written with tfjs ops: the tensors of the state to new ones, and aux. The new ones have the
 * structure, shapes and dtypes of the old. `inspected` is the scalar that `inspect` of {@link StepperOptions} is shown,
 * where that is not the field `value`.
 */
export type StepFn<T extends object, B, H, A> = (
  tensors: T,
  batch: B,
  hyper: H,
  context: StepContext,
) => readonly [tensors: T, aux: A, inspected?: Tensor];

/** What the update of an algorithm knows of its mathematics. */
export interface StepperOptions<T, B> {
  /** The field with the value of the log density, a scalar: where it is not finite, errors speak of it rather than of what follows from it. */
  readonly value?: keyof T & string;
  /** What may be wrong where a field of the new state is not finite, and what helps: sentences for the error. */
  readonly remedy?: (field: string, hyper: object) => string;
  /** The hyper-parameters that `options.hyper` of an update may replace. Default none. */
  readonly hyper?: readonly string[];
  /** Looks, in the first step of a state, at the value of the log density, where it can be read at once. */
  readonly inspect?: (value: number, batch: B, hyper: object) => void;
}

/** Runs a step on a state: compiled, in place or not, with the key of the step and the hyper-parameters that `hyperAt` gives for it. */
export type Stepper<T extends object, B, A> = <S extends T & StateBase>(
  state: S,
  batch: B,
  hyperAt: (step: number) => object,
  options?: UpdateOptions<unknown>,
) => [state: S, aux: A];

/** What the program of a step takes. Of a key on the host it gets that of the step; a key on the device it folds itself. */
interface Arguments<T, B, H> {
  readonly aux: boolean;
  readonly batch: B;
  readonly foldKey: boolean;
  readonly hyper: H;
  readonly key: Tensor;
  readonly state: T;
  readonly step: Tensor;
}

/**
 * Makes the update of an algorithm from its mathematics, which see the numbers in `hyper` as scalar tensors. `name` begins its errors.
 *
 * Where the new state can be read at once, the update throws unless all of it is finite, and leaves the old one as it was.
 */
export function stepper<T extends object, B, H, A>(
  name: string,
  step: StepFn<T, B, H, A>,
  { value, remedy = anyRemedy, hyper: replaceable = [], inspect }: StepperOptions<T, B> = {},
): Stepper<T, B, A> {
  const program = (args: Arguments<T, B, H>): [T, A | [], Tensor | []] => {
    const at = reshape(args.step, []);
    const key = args.foldKey ? foldIn(args.key, at) : args.key;
    const before = mapTree(describe, args.state as unknown);
    const [next, aux, inspected] = step(args.state, args.batch, args.hyper, { key, step: at });
    requireLike(before, next);
    return [next, args.aux ? aux : [], inspected ?? []];
  };
  const known = replaceable.length === 0 ? settings : [...settings, 'hyper'];
  let compiled: Compiled<[Arguments<T, B, H>], [T, A | [], Tensor | []]> | undefined;

  const update: Stepper<T, B, A> = (state, batch, hyperAt, options = {}) => {
    checkOptions(name, options, known);
    if (options.hyper !== undefined) checkOptions(name, options.hyper, replaceable);
    const { inplace = false, aux: withAux = true, compile = true, check = true } = options;
    if (inplace && currentTrace() !== null)
      throw new Error(`${name}: inplace is not possible inside of a transform: leave it out`);
    const { key, step: at, ...tensors } = requireState(name, state);
    const clock = clockOf(at);
    requireOneKey(key);
    if (inplace) requireWritable(state);
    const onHost = key instanceof Uint32Array && typeof at === 'number';
    const hyper = clock.hyper(hyperAt);
    const args = {
      aux: withAux,
      batch,
      foldKey: !onHost,
      hyper,
      key: onHost ? foldIn(key, at) : key,
      state: tensors,
      step: clock.step,
    } as unknown as Arguments<T, B, H>;
    compiled ??= jit(program, { name });
    const run = compiled;
    const [next, aux, inspected] = compile ? run(args) : evaluate(name, () => run(args));
    if (check && readsAtOnce()) {
      const found = findNotFinite(next, value);
      if (found !== undefined) {
        disposeTensors([next, aux, inspected]);
        throw new Error(
          `${found.place} is ${found.value} at step ${at}. ${remedy(found.field, hyper)} The state is as it was; { check: false } goes on regardless.`,
        );
      }
      const shown = inspected instanceof Tensor ? inspected : value && (next[value] as Tensor);
      if (at === 0 && shown) inspect?.(shown.dataSync()[0] as number, batch, hyper);
    }
    disposeTensors(inspected);
    if (inplace) return [replace(state, tensors, next, aux), aux as A];
    const ownKey = key instanceof Uint32Array ? key : clone(key);
    return [makeState({ ...next, key: ownKey, step: clock.next }) as unknown as typeof state, aux as A];
  };
  return (state, batch, hyperAt, options) => {
    try {
      return update(state, batch, hyperAt, options);
    } catch (error) {
      throw errorOf(name, error);
    }
  };
}

const anyRemedy = (): string =>
  'Either the log density is not defined for this batch, or the parameters have diverged.';

/** The options of an update, but for the hyper-parameters, which not all algorithms have. */
const settings: readonly string[] = ['inplace', 'aux', 'compile', 'check'];

/**
 * @throws unless the step gave what it was given, in structure, shapes and dtypes. Runs while the step is traced, so updates do not pay for
 * it; `before` is the tree of descriptions of the tensors that the step got.
 */
function requireLike(before: unknown, next: object): void {
  named('a step must keep the structure, shapes and dtypes of the state', () =>
    mapWithPath(
      (path: string, was: unknown, leaf: unknown) => {
        const is = describe(leaf);
        if (was !== is) throw new Error(`${path} was ${was} and became ${is}`);
      },
      before,
      next,
    ),
  );
}

function describe(leaf: unknown): string {
  return leaf instanceof Tensor ? printAval(leaf as never) : typeof leaf;
}

/** @throws if a field of the state cannot be written; what lies below, `giveLeaves` changes whole or not at all. */
export function requireWritable(state: object): void {
  try {
    Object.assign(state, state);
  } catch (error) {
    throw new Error(
      `the state cannot be written (${(error as Error).message}); a frozen tree cannot be changed, leave inplace out`,
      { cause: error },
    );
  }
}

/**
 * Puts the new tensors into the state, which lets go of its old ones. They outlive a `tf.tidy` around the call, as the state does. If
 * anything fails, the state is as it was and nothing is left. `tensors` are the fields of the state without its key and step.
 */
export function replace<S extends StateBase>(state: S, tensors: object, next: object, aux: unknown): S {
  const fresh = leaves<unknown>(next) as Tensor[];
  try {
    giveLeaves('update', tensors, fresh);
  } catch (error) {
    disposeTensors([next, aux]);
    throw error;
  }
  for (const tensor of fresh) if (!tensor.isDisposed) keep(tensor);
  return Object.assign(state, tensors, { step: state.step + 1 });
}

/**
 * Keeps what was made for each combination of objects (a log posterior, an optimiser) and settings, as long as the objects live, so that
 * calls with the same ones share their compiled programs.
 */
export function stepCache(): <V>(objects: readonly object[], settings: string, make: () => V) => V {
  const root: Level = { next: new WeakMap(), made: new Map() };
  return <V>(objects: readonly object[], settings: string, make: () => V): V => {
    let level = root;
    for (const object of objects) {
      let next = level.next.get(object);
      if (next === undefined) {
        next = { next: new WeakMap(), made: new Map() };
        level.next.set(object, next);
      }
      level = next;
    }
    if (!level.made.has(settings)) level.made.set(settings, make());
    return level.made.get(settings) as V;
  };
}

interface Level {
  readonly next: WeakMap<object, Level>;
  readonly made: Map<string, unknown>;
}
