import { map } from '@posteriors/tree';
import { expandDims, Tensor } from '@tensorflow/tfjs-core';
import { vmap } from './vmap.ts';

/**
 * A function of a batch, such as a log likelihood, for each example of the batch apart.
 *
 * `f(params, batch, ...rest)` is called on batches of one: each tensor of `batch` keeps its axis 0 with length 1; scalar tensors, and what is
 * no tensor, belong to all examples. Each tensor that it returns, aux too, gains an axis 0 for the examples.
 *
 * @throws if the tensors of `batch` differ in the length of axis 0.
 */
export function perSamplify<P, B, R extends readonly unknown[], Y>(
  f: (params: P, batch: B, ...rest: R) => Y,
): (params: P, batch: B, ...rest: R) => Y {
  return (params, batch, ...rest) => {
    const one = (p: P, example: B, ...others: R): Y => f(p, batchOfOne(example, batch), ...others);
    return vmap(one, { inAxes: [null, 0, ...rest.map(() => null)] })(params, map(held as never, batch) as B, ...rest);
  };
}

function isShared(leaf: unknown): boolean {
  return leaf instanceof Tensor && leaf.rank === 0;
}

/** What stands for a leaf while slices are taken: nothing is mapped over in a number. */
function held(leaf: unknown): unknown {
  return isShared(leaf) ? 0 : leaf;
}

/** The slices of an example with an axis 0, and what all examples share. */
function batchOfOne<B>(example: B, batch: B): B {
  const leafOf = (slice: unknown, leaf: unknown): unknown =>
    isShared(leaf) ? leaf : slice instanceof Tensor ? expandDims(slice, 0) : slice;
  return map(leafOf as never, example, batch as never) as B;
}
