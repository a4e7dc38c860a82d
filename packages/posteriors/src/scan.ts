import { type ScanOptions as LoopOptions, scan as loop } from '@posteriors/autodiff';
import { type ScanOptions, type StateBase, scan as scanUpdates, type Transform } from '@posteriors/transform';
import type { TensorTree } from '@posteriors/tree';

/**
 * A loop as one equation, within functions of tensors: `f(carry, x)` returns `[carry, y]` and is traced once, however often it runs.
 *
 * @param init the first carry, a tree of tensors that keeps its structure, shapes and dtypes.
 * @param xs a tree of tensors, of which each iteration sees a slice along axis 0; or null, with `options.length`.
 * @returns the last carry, and each `y` stacked along a new axis 0. Equal to the loop written out in values and derivatives of any order.
 * @throws if the carry changes its structure, a shape or a dtype, or the tensors of `xs` differ in length.
 */
export function scan<C extends TensorTree, X extends TensorTree, Y extends TensorTree>(
  f: (carry: C, x: X) => readonly [carry: C, y: Y],
  init: C,
  xs: X,
  options?: LoopOptions,
): [carry: C, ys: Y];
/**
 * Many updates of an algorithm as one call of one compiled program: the same numbers as by a loop of `transform.update`, without what a call
 * costs. It is synchronous and pure: the state given stays as it is, and what is returned belongs to the caller.
 *
 *     const [next, draws] = scan(sampler, state, 1000, { batch, collect: ({ params }) => params, thin: 10 });
 *
 * @param batches one batch for each update, all of one structure and shapes; or a number of updates, each of which sees `options.batch`.
 * @param options `collect` maps a state and, if it declares a second parameter, aux to a tree of tensors that is kept after updates `thin`,
 *   `2 thin`, ...; define it once, since the program is kept for it. `hyper` replaces hyper-parameters for this call. `check: false` goes on where a number is not finite.
 * @returns the state after all updates, and what was collected, each tensor with an axis in front; [] without `collect`.
 * @throws if the batches differ in structure or shapes, a number is not whole or below 1, or the new state is not finite, on devices that
 *   can be read at once; the old state is as it was.
 */
export function scan<P extends TensorTree, S extends StateBase, B, A, H, C extends TensorTree = []>(
  transform: Transform<P, S, B, A, H>,
  state: S,
  batches: readonly NoInfer<B>[],
  options?: ScanOptions<S, A, C, H>,
): [state: S, collected: C];
export function scan<P extends TensorTree, S extends StateBase, B, A, H, C extends TensorTree = []>(
  transform: Transform<P, S, B, A, H>,
  state: S,
  updates: undefined extends B ? number : never,
  options?: ScanOptions<S, A, C, H>,
): [state: S, collected: C];
export function scan<P extends TensorTree, S extends StateBase, B, A, H, C extends TensorTree = []>(
  transform: Transform<P, S, B, A, H>,
  state: S,
  updates: number,
  options: ScanOptions<S, A, C, H> & { readonly batch: NoInfer<B> },
): [state: S, collected: C];
// What a compiler says of a call that fits none is said of the last of these: that is the one which is called most.
export function scan(first: unknown, ...rest: readonly unknown[]): unknown {
  const chosen = (typeof first === 'function' ? loop : scanUpdates) as (...args: readonly unknown[]) => unknown;
  return chosen(first, ...rest);
}
