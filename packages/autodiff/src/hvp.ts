import type { TensorTree } from '@posteriors/tree';
import type { Tensor } from '@tensorflow/tfjs-core';
import { checkOptions } from './check-options.ts';
import { type LikePrimals, likePrimals } from './differential.ts';
import { evaluate } from './evaluate.ts';
import { gradientOf } from './grad.ts';
import { jvpOf } from './jvp.ts';

/**
 * The Hessian of a scalar function times a vector, forward over reverse, at about the cost of two gradients.
 *
 * Returns `[gradient, product]` at `primals` along `tangents`, which are trees like the primals; the results are trees like the only primal,
 * or lists with one for each of several. With `hasAux`, `f` returns `[value, aux]` and the result is `[gradient, product, aux]`.
 *
 * @throws if the value is not a float32 scalar, or a tangent differs from its primal in structure or shape.
 */
export function hvp<P extends readonly TensorTree[]>(
  f: (...primals: P) => Tensor,
  primals: P,
  tangents: NoInfer<P>,
  options?: { readonly hasAux?: false },
): [gradient: LikePrimals<P>, product: LikePrimals<P>];
export function hvp<P extends readonly TensorTree[], A>(
  f: (...primals: P) => readonly [Tensor, A],
  primals: P,
  tangents: NoInfer<P>,
  options: { readonly hasAux: true },
): [gradient: LikePrimals<P>, product: LikePrimals<P>, aux: A];
export function hvp(
  f: (...primals: never) => unknown,
  primals: readonly TensorTree[],
  tangents: readonly TensorTree[],
  options: { readonly hasAux?: boolean } = {},
): unknown {
  const { hasAux = false } = checkOptions('hvp', options, ['hasAux']);
  return evaluate('hvp', () => {
    const slope = (...point: readonly TensorTree[]): readonly [TensorTree, TensorTree] => {
      const value = (all: readonly TensorTree[]): unknown => f(...(all as never));
      const { gradient, aux } = gradientOf('hvp', value as never, hasAux, point as TensorTree, []);
      return [gradient, (aux ?? []) as TensorTree];
    };
    const [gradient, product, aux] = jvpOf('hvp', slope, primals, tangents, true);
    const results = [gradient, product].map((trees) => likePrimals(trees as readonly TensorTree[]));
    return hasAux ? [...results, aux] : results;
  });
}
