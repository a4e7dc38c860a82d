/** The program of many updates: a loop over them or, where it collects, over `thin` of them each. */
import { scan } from '@posteriors/autodiff';
import { flatten, leaves as leavesOf, paths, type TensorTree, unflatten } from '@posteriors/tree';
import { reshape, slice, Tensor, tensor1d } from '@tensorflow/tfjs-core';
import { StepInLoop } from './clock.ts';
import { loopClock } from './loop-clock.ts';
import { named } from './named.ts';
import { makeState, type StateBase } from './state.ts';
import type { Transform } from './transform.ts';

/** What a program is made for. */
export interface Plan<S, A, C> {
  readonly updates: number;
  readonly thin: number;
  readonly collect: ((state: S, aux: A) => C) | undefined;
}

/** What a program takes. */
export interface Arguments<B, H> {
  /** Those of the state, but for its key and step. */
  readonly tensors: TensorTree;
  readonly key: StateBase['key'];
  readonly step: number;
  /** The step again, int32 of one element, exact where it does not fit a float32. */
  readonly first: Uint32Array | Tensor;
  /** A batch, in which the leaves that are `sliced` have an axis in front, of a slice for each update. */
  readonly batch: B;
  readonly sliced: readonly boolean[];
  /** Hyper-parameters of this call, none or some. */
  readonly hyper: Partial<H>;
}

export interface Results<C> {
  readonly tensors: TensorTree;
  readonly step: number;
  readonly collected: C;
}

/** What an iteration hands to the next. */
type Carry = {
  readonly tensors: TensorTree;
  /** The step, an int32 scalar. */
  readonly number: Tensor;
};

/** What each iteration has a slice of. */
type Slices = {
  readonly numbers: readonly Tensor[];
  readonly batch: readonly Tensor[];
};

export function loopOfUpdates<P extends TensorTree, S extends StateBase, B, A, H, C extends TensorTree>(
  transform: Transform<P, S, B, A, H>,
  { updates, thin, collect }: Plan<S, A, C>,
  { tensors, key, step, first, batch, sliced, hyper }: Arguments<B, H>,
): Results<C> {
  const aux = collect !== undefined && collect.length > 1;
  const options = Object.keys(hyper).length === 0 ? { aux } : { aux, hyper };
  const { leaves, structure } = flatten<unknown>(batch);
  const batches = leaves.filter((_, i) => sliced[i]) as Tensor[];
  const batchOf = (slices: readonly Tensor[]): B => {
    const rest = slices.values();
    const each = leaves.map((leaf, i) => (sliced[i] ? rest.next().value : leaf));
    return unflatten<unknown, unknown>(structure, each) as B;
  };
  const stateOf = (fields: TensorTree, at: number): S =>
    makeState({ ...(fields as object), key, step: at }) as unknown as S;
  const updateAt = (fields: TensorTree, at: number, slices: readonly Tensor[]): [S, A] =>
    transform.update(stateOf(fields, at), batchOf(slices), options);

  const clock = loopClock(step, updates, (at) => updateAt(tensors, at, batches.map(rowOf(0)))[0].step);
  const update = (carry: Carry, { numbers, batch: slices }: Slices): [Carry, A] => {
    const [next, given] = updateAt(carry.tensors, clock.at(carry.number, numbers), slices);
    const { key: _, step: __, ...fields } = next;
    return [{ tensors: fields as TensorTree, number: clock.next(carry.number) }, given];
  };
  const repeat = (start: Carry, xs: Slices, count: number): Carry => {
    if (count === 0) return start;
    if (count === 1) return update(start, each(xs, rowOf(0)))[0];
    return scan((carry: Carry, x: Slices) => [update(carry, x)[0], []], start, xs, { length: count })[0];
  };
  const thinned = (start: Carry, xs: Slices): [Carry, A] => {
    if (!aux) return [repeat(start, xs, thin), [] as A];
    const before = repeat(start, each(xs, rowsOf(0, thin - 1)), thin - 1);
    return update(before, each(xs, rowOf(thin - 1)));
  };

  const start: Carry = { tensors, number: reshape(first instanceof Tensor ? first : tensor1d(new Int32Array(first)), []) }; // biome-ignore format: one line
  const xs: Slices = { numbers: clock.xs, batch: batches };
  if (collect === undefined)
    return { tensors: repeat(start, xs, updates).tensors, step: clock.last, collected: [] as never };
  const length = Math.floor(updates / thin);
  const kept = length * thin;
  const groups =
    thin === 1 ? xs : each(each(xs, rowsOf(0, kept)), (x) => reshape(x, [length, thin, ...x.shape.slice(1)]));
  const [middle, collected] = scan(
    (carry: Carry, x: Slices) => {
      const [next, given] = thin === 1 ? update(carry, x) : thinned(carry, x);
      return [
        next,
        collectedOf(named('collect', () => collect(stateOf(next.tensors, clock.at(next.number, [])), given))),
      ];
    },
    start,
    groups,
    { length },
  );
  const end = repeat(middle, each(xs, rowsOf(kept, updates)), updates - kept);
  return { tensors: end.tensors, step: clock.last, collected };
}

const each = ({ numbers, batch }: Slices, f: (x: Tensor) => Tensor): Slices => ({
  numbers: numbers.map(f),
  batch: batch.map(f),
});

const rowsOf =
  (from: number, to: number) =>
  (x: Tensor): Tensor =>
    slice(x, [from, ...x.shape.slice(1).map(() => 0)], [to - from, ...x.shape.slice(1)]);

const rowOf =
  (index: number) =>
  (x: Tensor): Tensor =>
    reshape(rowsOf(index, index + 1)(x), x.shape.slice(1));

/** @throws unless it is a tree of tensors. */
function collectedOf<C>(tree: C): C {
  if (tree instanceof Promise)
    throw new Error('collect is async; it is traced, and must return a tree of tensors at once');
  leavesOf<unknown>(tree).forEach((leaf, i) => {
    if (leaf instanceof Tensor) return;
    const what = leaf instanceof StepInLoop ? 'the step, which scan returns with the state' : `of type ${typeof leaf}`;
    throw new Error(`collect must return a tree of tensors, and ${paths(tree)[i]} is ${what}`);
  });
  return tree;
}
