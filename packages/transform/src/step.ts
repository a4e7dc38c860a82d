/** The step that algorithms share: one compiled program from the tensors of a state, a batch and hyper-parameters to new tensors. */

import { type Compiled, evaluate, jit } from '@posteriors/autodiff';
import { currentTrace, printAval } from '@posteriors/backend';
import { foldIn } from '@posteriors/random';
import { leaves, mapInplace, map as mapTree, mapWithPath, type TensorTree } from '@posteriors/tree';
import { clone, keep, reshape, Tensor, Variable } from '@tensorflow/tfjs-core';
import { requireOneKey } from './init.ts';
import { named } from './named.ts';
import { readsAtOnce } from './reads-at-once.ts';
import { warnOfScale } from './scale.ts';
import { disposeTensors, makeState, type StateBase } from './state.ts';
import type { StepContext, UpdateOptions } from './transform.ts';

/** Hyper-parameters as they are inside of a step: scalar tensors. */
export type Scalars<H> = { readonly [K in keyof H]-?: Tensor };

/**
 * The mathematics of one update, pure and written with tfjs ops: the tensors of the state to new ones, and aux. The new ones have the
 * structure, shapes and dtypes of the old.
 */
export type StepFn<T extends object, B, H, A> = (
  tensors: T,
  batch: B,
  hyper: H,
  context: StepContext,
) => readonly [tensors: T, aux: A];

/** Runs a step on a state: compiled, in place or not, with the key of the step and the hyper-parameters that `hyperAt` gives for it. */
export type Stepper<T extends object, B, A> = <S extends T & StateBase>(
  state: S,
  batch: B,
  hyperAt: (step: number) => object,
  options?: UpdateOptions<unknown>,
) => [state: S, aux: A];

/** What the program of a step takes. Of a key on the host it gets that of the step; a key on the device it folds itself. */
interface Arguments<T, B, H> {
  readonly state: T;
  readonly batch: B;
  readonly hyper: H;
  readonly key: Tensor;
  readonly step: Tensor;
  readonly aux: boolean;
  readonly foldKey: boolean;
}

/**
 * Makes the update of an algorithm from its mathematics, which see the numbers in `hyper` as scalar tensors. `name` begins its errors.
 *
 * @param watch the field of the state that tells whether all is well: a scalar that is NaN or plus infinity only if something diverged.
 */
export function stepper<T extends object, B, H, A>(
  name: string,
  step: StepFn<T, B, H, A>,
  watch?: keyof T & string,
): Stepper<T, B, A> {
  const program = (args: Arguments<T, B, H>): [T, A | []] => {
    const at = reshape(args.step, []);
    const key = args.foldKey ? foldIn(args.key, at) : args.key;
    const before = mapTree(describe, args.state as unknown);
    const [next, aux] = step(args.state, args.batch, args.hyper, { key, step: at });
    requireLike(before, next);
    return [next, args.aux ? aux : []];
  };
  const scaleWarning = warnOfScale(name);
  let compiled: Compiled<[Arguments<T, B, H>], [T, A | []]> | undefined;

  const update: Stepper<T, B, A> = (
    state,
    batch,
    hyperAt,
    { inplace = false, aux: withAux = true, compile = true, check = true } = {},
  ) => {
    if (inplace && currentTrace() !== null)
      throw new Error(`${name}: inplace is not possible inside of a transform: leave it out`);
    const { key, step: number, ...tensors } = state;
    requireStep(name, number);
    requireOneKey(key);
    if (inplace) requireWritable(state);
    const onHost = key instanceof Uint32Array;
    const hyper = hyperAt(number);
    const args = {
      state: tensors,
      batch,
      hyper,
      key: onHost ? foldIn(key, number) : key,
      step: Uint32Array.of(number),
      aux: withAux,
      foldKey: !onHost,
    } as unknown as Arguments<T, B, H>;
    compiled ??= jit(program, { name });
    const run = compiled;
    const [next, aux] = compile ? run(args) : evaluate(name, () => run(args));
    if (check && watch !== undefined && readsAtOnce()) {
      const value = (next[watch] as Tensor).dataSync()[0] as number;
      requireSound(watch, value, number, [next, aux]);
      if (number === 0 && watch === 'logPosterior')
        scaleWarning(value, batch, (hyper as { readonly temperature?: unknown }).temperature);
    }
    if (inplace) return [replace(state, tensors, next, aux), aux as A];
    const ownKey = onHost ? key : clone(key);
    return [makeState({ ...next, key: ownKey, step: number + 1 }) as unknown as typeof state, aux as A];
  };
  return (...args) => named(name, () => update(...args));
}

/** @throws if the value is NaN or plus infinity; `made` is disposed then. */
function requireSound(field: string, value: number, step: number, made: unknown): void {
  if (!Number.isNaN(value) && value !== Number.POSITIVE_INFINITY) return;
  disposeTensors(made);
  throw new Error(
    `${field} is ${value} at step ${step}. Either the log posterior is not defined for this batch, or the parameters have diverged: lower the learning ` +
      'rate, and scale log posterior and temperature by 1 / number of data. The state is as it was; { check: false } goes on regardless.',
  );
}

function requireStep(name: string, step: unknown): void {
  if (typeof step === 'number') return;
  throw new Error(
    `${name}: the step of the state is a tensor and must be a number. jit makes tensors of numbers: leave it out, as update is compiled without it.`,
  );
}

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

/** @throws if a field of the state cannot be written; what lies below, `mapInplace` changes whole or not at all. */
function requireWritable(state: object): void {
  try {
    Object.assign(state, { ...state });
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
function replace<S extends StateBase>(state: S, tensors: object, next: object, aux: unknown): S {
  const fresh = leaves<unknown>(next);
  const assigned: Tensor[] = [];
  let taken = 0;
  try {
    mapInplace((old) => {
      const value = fresh[taken++] as Tensor;
      if (old instanceof Variable) assigned.push(value);
      return value instanceof Tensor ? keep(value) : value;
    }, tensors as TensorTree);
  } catch (error) {
    disposeTensors([next, aux]);
    throw error;
  }
  for (const value of assigned) value.dispose();
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
