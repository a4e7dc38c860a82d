import type { Key } from '@posteriors/random';
import type { TensorTree } from '@posteriors/tree';
import type { Tensor } from '@tensorflow/tfjs-core';

/** What a function of one step may use besides its arguments: a key of its own for random numbers (dropout), and the number of the step. */
export interface StepContext {
  /** An int32 tensor `[2]`, another one at each step. */
  readonly key: Tensor;
  /** The number of the step, an int32 scalar, 0 for the first. */
  readonly step: Tensor;
}

/**
 * A log density of the parameters given a batch: `(params, batch) => [value, aux]`, written with tfjs ops.
 *
 * `value` is a float32 scalar. `aux` is any tree of tensors to hand out, `[]` when there is none. Recommended scaling: the mean over the
 * batch of the log likelihood, plus the log prior divided by the number of data, with temperature 1 / number of data.
 */
export type LogProbFn<P extends TensorTree, B, A> = (
  params: P,
  batch: B,
  context: StepContext,
) => readonly [value: Tensor, aux: A];

/**
 * The outputs of a model given a batch: `(params, batch) => [z, aux]`, written with tfjs ops. `z` is a float32 tensor of any shape, such as
 * logits `[examples, classes]`; `aux` as in {@link LogProbFn}.
 */
export type ForwardFn<P extends TensorTree, B, A> = (
  params: P,
  batch: B,
  context: StepContext,
) => readonly [z: Tensor, aux: A];

/** The log density of a batch given the outputs `z` of a model: a float32 scalar, without aux. */
export type OuterLogProbFn<B> = (z: Tensor, batch: B) => Tensor;

/** The tuple `[value, aux]` that a log density returns, for functions declared apart, where an array literal would lose its order. */
export function withAux<V, A>(value: V, aux: A): [value: V, aux: A] {
  return [value, aux];
}

export interface InitOptions {
  /**
   * Seed of the random numbers of this state: an integer from 0. Inside of `vmap` all states get the same one, and so the same momenta and
   * noise; for independent chains map over keys, as `init` of `chains(transform)` does.
   */
  readonly seed?: number;
  /**
   * Their key, instead of a seed: on the host, or a tensor `[2]`. Without either the key comes from `crypto`, inside of `vmap` one for all
   * states.
   */
  readonly key?: Key;
}

/** The hyper-parameters of an algorithm that has none: an object without fields. */
export type NoHyper = { readonly [name: string]: never };

export interface UpdateOptions<H> {
  /** Put the new values into the given state, free the old ones, and return that same state. Default false. */
  readonly inplace?: boolean;
  /** Hyper-parameters that replace those of `build`, for this call. An algorithm without any takes none. */
  readonly hyper?: Partial<H>;
  /** Whether aux is computed and returned; without it `[]` comes in its place, of which its type does not tell. Default true. */
  readonly aux?: boolean;
  /** Whether the step is compiled and kept (default), or traced and run anew. */
  readonly compile?: boolean;
  /**
   * Whether to throw, with the state as it was, where a number of the new state is NaN or infinite. Default true. WebGPU cannot be read in
   * time, nor can what `vmap` maps: there, `check(state)` looks, and `run` and `sampleChain` do.
   */
  readonly check?: boolean;
}

/**
 * An inference algorithm, made by its `build`.
 *
 * `init` gives the first state, `update` maps a state and a batch to the next. Both are pure: the same state and batch give the same
 * numbers. No function frees what it was given; what it returns belongs to the caller (`state.dispose()`).
 */
export interface Transform<P extends TensorTree, S, B, A, H = NoHyper> {
  init(params: P, options?: InitOptions): S;
  update(state: S, batch: B, options?: UpdateOptions<H>): [state: S, aux: A];
}

/** @throws unless it has the functions of a transform. */
export function requireTransform(name: string, transform: unknown): void {
  const { init, update } = (transform ?? {}) as { readonly [name: string]: unknown };
  if (typeof init === 'function' && typeof update === 'function') return;
  throw new Error(
    `${name}: the transform is ${describeGiven(transform)} and must be what build of an algorithm returns`,
  );
}

/** A value of the caller's in an error. */
export function describeGiven(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'function') return 'a function';
  if (typeof value !== 'object' || value === null) return String(value);
  const name = value.constructor?.name;
  return name === undefined || name === 'Object' ? 'an object' : `a ${name}`;
}
