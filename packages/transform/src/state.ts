import { type Disposer, disposable } from '@posteriors/autodiff';
import type { Key } from '@posteriors/random';
import { leaves, registerContainer } from '@posteriors/tree';
import { Tensor } from '@tensorflow/tfjs-core';

/** What every state has besides its tensors. */
export interface StateBase {
  /** What the random numbers of all its steps come from. */
  readonly key: Key;
  /** Updates so far. */
  readonly step: number;
}

/** The class of all states: plain data, and the means to free it. */
class State implements Disposer {
  dispose(): void {
    disposeTensors(this);
  }

  // By the module that makes the symbol where there is none, so that a bundle keeps it.
  [Symbol.dispose](): void {
    disposable(this)[Symbol.dispose]();
  }
}

registerContainer(State);

/** A state with these fields. It flattens like the plain object that it was made of. */
export function makeState<F extends StateBase>(fields: F): F & Disposer {
  return Object.assign(new State(), fields);
}

/** @throws if what should be a state is a promise of one, or the pair that `update` returns. `name` begins the error. */
export function requireState<S>(name: string, state: S): S {
  if (state instanceof Promise)
    throw new Error(`${name}: the state is a promise; write await before the call of run that returns it`);
  if (Array.isArray(state))
    throw new Error(`${name}: the state is an array; update returns [state, aux], so write const [state, aux] = ...`);
  return state;
}

/** Disposes the tensors of a tree that are not disposed yet. */
export function disposeTensors(tree: unknown): void {
  for (const leaf of leaves<unknown>(tree)) if (leaf instanceof Tensor && !leaf.isDisposed) leaf.dispose();
}
