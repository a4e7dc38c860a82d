import { map } from '@posteriors/tree';
import { expandDims, Tensor } from '@tensorflow/tfjs-core';
import { vmap } from './vmap.ts';

/**
 * A function of a batch, such as a log likelihood, for each example of the batch apart.
 *
 * `f(params, batch, ...rest)` is called on batches of one: each tensor of `batch` keeps its axis 0 with length 1. Each tensor that it
 * returns, aux too, gains an axis 0 for the examples.
 *
 * @throws if the tensors of `batch` differ in the length of axis 0.
 */
export function perSamplify<P, B, R extends readonly unknown[], Y>(
  f: (params: P, batch: B, ...rest: R) => Y,
): (params: P, batch: B, ...rest: R) => Y {
  return (params, batch, ...rest) => {
    const one = (p: P, example: B, ...others: R): Y => f(p, batchOfOne(example), ...others);
    return vmap(one, { inAxes: [null, 0, ...rest.map(() => null)] })(params, batch, ...rest);
  };
}

function batchOfOne<B>(example: B): B {
  const withAxis = (leaf: unknown): unknown => (leaf instanceof Tensor ? expandDims(leaf, 0) : leaf);
  return map(withAxis as never, example) as B;
}
