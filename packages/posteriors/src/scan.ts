import { scan as loop } from '@posteriors/autodiff';
import { scan as scanUpdates } from '@posteriors/transform';

/**
 * Given a transform, many updates as one call of one compiled program, `scan` of `@posteriors/transform`:
 *
 *     const [next, draws] = scan(sampler, state, 1000, { batch, collect: ({ params }) => params, thin: 10 });
 *
 * Given a function `f(carry, x)` of tensors, a loop as one equation, `scan` of `@posteriors/autodiff`: `[carry, ys] = scan(f, init, xs)`.
 */
// What a compiler says of a call that fits none is said of the last overload: that is the one which is called most.
export const scan: typeof loop & typeof scanUpdates = ((first: unknown, ...rest: readonly unknown[]): unknown => {
  const chosen = (typeof first === 'function' ? loop : scanUpdates) as (...args: readonly unknown[]) => unknown;
  return chosen(first, ...rest);
}) as typeof loop & typeof scanUpdates;
