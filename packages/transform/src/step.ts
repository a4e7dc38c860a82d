/** The step that algorithms share: one compiled program from the tensors of a state, a batch and hyper-parameters to new tensors. */
import { reshape, scalar, type Tensor, tensor1d } from '@tensorflow/tfjs-core';
import { type Compiled, evaluate, jit } from '@posteriors/autodiff';
import { foldIn } from '@posteriors/random';
import { insertInplace, leaves, map as mapTree, type TensorTree } from '@posteriors/tree';
import { currentTrace } from '@posteriors/backend';
import { makeState, type StateBase } from './state.ts';
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

/** Runs a step on a state: compiled, in place or not, with the key of the step. */
export type Stepper<T extends object, B, A> = <S extends T & StateBase>(
  state: S,
  batch: B,
  hyper: object,
  options?: UpdateOptions<unknown>,
) => [state: S, aux: A];

/** Makes the update of an algorithm from its mathematics, which see the numbers in `hyper` as scalar tensors. `name` begins its errors. */
export function stepper<T extends object, B, H, A>(name: string, step: StepFn<T, B, H, A>): Stepper<T, B, A> {
  const program = (tensors: T, batch: B, hyper: H, key: Tensor, number: Tensor, withAux: boolean, foldKey: boolean): [T, A | []] => {
    const at = reshape(number, []);
    const [next, aux] = step(tensors, batch, hyper, { key: foldKey ? foldIn(key, at) : key, step: at });
    return [next as T, withAux ? aux : []];
  };
  let compiled: Compiled<Parameters<typeof program>, [T, A | []]> | undefined;

  return (state, batch, hyper, { inplace = false, aux: withAux = true, compile = true } = {}) => {
    if (inplace && currentTrace() !== null) throw new Error(`${name}: inplace is not possible inside of a transform: leave it out`);
    const { key, step: number, ...tensors } = state;
    const onHost = key instanceof Uint32Array;
    const args = [tensors, batch, hyper, onHost ? foldIn(key, number) : key, Uint32Array.of(number), withAux, !onHost] as unknown;
    let result: [T, A | []];
    if (compile) {
      compiled ??= jit(program, { name });
      result = compiled(...(args as Parameters<typeof program>));
    } else {
      result = evaluate(name, () => program(...(asTensors(args) as Parameters<typeof program>)));
    }
    const [next, aux] = result;
    return [inplace ? replace(state, next) : (makeState({ ...next, key, step: number + 1 }) as unknown as typeof state), aux as A];
  };
}

/** Puts the new tensors into the state, which lets go of its old ones. */
function replace<S extends StateBase>(state: S, next: object): S {
  const { key: _, step, ...tensors } = state;
  insertInplace(tensors as TensorTree, next as TensorTree);
  for (const leaf of leaves(next as TensorTree)) leaf.dispose();
  return Object.assign(state, tensors, { step: step + 1 });
}

/** What `jit` does to arguments, for a step that is not compiled. */
function asTensors(args: unknown): unknown {
  return mapTree(
    (leaf: unknown) =>
      typeof leaf === 'number' ? scalar(leaf) : leaf instanceof Uint32Array ? tensor1d(new Int32Array(leaf), 'int32') : leaf,
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
