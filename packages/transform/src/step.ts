/** The step that algorithms share: one compiled program from the tensors of a state, a batch and hyper-parameters to new tensors. */

import { type Compiled, evaluate, jit } from '@posteriors/autodiff';
import { currentTrace } from '@posteriors/backend';
import { foldIn } from '@posteriors/random';
import { leaves, mapInplace, map as mapTree, type TensorTree } from '@posteriors/tree';
import { clone, keep, reshape, scalar, type Tensor, tensor1d } from '@tensorflow/tfjs-core';
import { named } from './named.ts';
import { disposeTensors, makeState, type StateBase } from './state.ts';
import type { StepContext, UpdateOptions } from './transform.ts';

/** Hyper-parameters as they are inside of a step: scalar tensors. */
export type Scalars<H> = { readonly [K in keyof H]-?: Tensor };

/** The mathematics of one update, pure and written with tfjs ops: the tensors of the state to new ones, and aux. */
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

/** Makes the update of an algorithm from its mathematics, which see the numbers in `hyper` as scalar tensors. `name` begins its errors. */
export function stepper<T extends object, B, H, A>(name: string, step: StepFn<T, B, H, A>): Stepper<T, B, A> {
  const program = (args: Arguments<T, B, H>): [T, A | []] => {
    const at = reshape(args.step, []);
    const key = args.foldKey ? foldIn(args.key, at) : args.key;
    const [next, aux] = step(args.state, args.batch, args.hyper, { key, step: at });
    return [next, args.aux ? aux : []];
  };
  let compiled: Compiled<[Arguments<T, B, H>], [T, A | []]> | undefined;

  const update: Stepper<T, B, A> = (
    state,
    batch,
    hyperAt,
    { inplace = false, aux: withAux = true, compile = true } = {},
  ) => {
    if (inplace && currentTrace() !== null)
      throw new Error(`${name}: inplace is not possible inside of a transform: leave it out`);
    const { key, step: number, ...tensors } = state;
    requireStep(name, number);
    const onHost = key instanceof Uint32Array;
    const args = {
      state: tensors,
      batch,
      hyper: hyperAt(number),
      key: onHost ? foldIn(key, number) : key,
      step: Uint32Array.of(number),
      aux: withAux,
      foldKey: !onHost,
    } as unknown;
    let result: [T, A | []];
    if (compile) {
      compiled ??= jit(program, { name });
      result = compiled(args as Arguments<T, B, H>);
    } else {
      result = evaluate(name, () => program(asTensors(args) as Arguments<T, B, H>));
    }
    const [next, aux] = result;
    if (inplace) return [replace(state, next, aux), aux as A];
    const ownKey = onHost ? key : clone(key);
    return [makeState({ ...next, key: ownKey, step: number + 1 }) as unknown as typeof state, aux as A];
  };
  return (...args) => named(name, () => update(...args));
}

function requireStep(name: string, step: unknown): void {
  if (typeof step === 'number') return;
  throw new Error(
    `${name}: the step of the state is a tensor and must be a number. jit makes tensors of numbers: leave it out, as update is compiled without it.`,
  );
}

/**
 * Puts the new tensors into the state, which lets go of its old ones. They outlive a `tf.tidy` around the call, as the state does. If
 * anything fails, the state is as it was and nothing is left.
 */
function replace<S extends StateBase>(state: S, next: object, aux: unknown): S {
  const { key: _, step, ...tensors } = state;
  const fresh = leaves(next as TensorTree);
  let taken = 0;
  try {
    mapInplace(() => fresh[taken++] as Tensor, tensors as TensorTree);
  } catch (error) {
    disposeTensors([next, aux]);
    throw error;
  }
  for (const [i, leaf] of leaves(tensors as TensorTree).entries()) {
    keep(leaf);
    // A variable took over the values.
    if (leaf !== fresh[i]) fresh[i]?.dispose();
  }
  return Object.assign(state, tensors, { step: step + 1 });
}

/** What `jit` does to arguments, for a step that is not compiled. */
function asTensors(args: unknown): unknown {
  return mapTree(
    (leaf: unknown) =>
      typeof leaf === 'number'
        ? scalar(leaf)
        : leaf instanceof Uint32Array
          ? tensor1d(new Int32Array(leaf), 'int32')
          : leaf,
    args,
  );
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
