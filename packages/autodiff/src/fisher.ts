import { map, ravel, type TensorTree } from '@posteriors/tree';
import { div, matMul, type Tensor, type Tensor2D } from '@tensorflow/tfjs-core';
import { splitAux } from './arguments.ts';
import { checkOptions } from './check-options.ts';
import { differentialOf, dividedByLength, type LikePrimals } from './differential.ts';
import { evaluate, refusePromise } from './evaluate.ts';
import { jacrev } from './jacobian.ts';

export interface NormalizeOption {
  /** Whether to take the mean over the examples, not the sum. Default false. */
  readonly normalize?: boolean;
}

/**
 * The empirical Fisher matrix times a vector: `Jᵀ J v`, where `J` is the Jacobian of `f`, which returns the log likelihood of each example.
 *
 * Returns `[value, product]` at `primals` along `tangents`, which are trees like the primals; the product is a tree like the only primal, or
 * a list with one for each of several. `normalize` divides by the length of axis 0 of the first tensor of the value. With `hasAux`, `f`
 * returns `[value, aux]` and the result is `[value, product, aux]`. Other than in posteriors 0.1.2, of several primals it gives the products of
 * all, not of the first alone.
 */
export function fvp<P extends readonly TensorTree[], Y extends TensorTree>(
  f: (...primals: P) => Y,
  primals: P,
  tangents: NoInfer<P>,
  options?: NormalizeOption & { readonly hasAux?: false },
): [value: Y, product: LikePrimals<P>];
export function fvp<P extends readonly TensorTree[], Y extends TensorTree, A>(
  f: (...primals: P) => readonly [Y, A],
  primals: P,
  tangents: NoInfer<P>,
  options: NormalizeOption & { readonly hasAux: true },
): [value: Y, product: LikePrimals<P>, aux: A];
export function fvp(
  f: (...primals: never) => unknown,
  primals: readonly TensorTree[],
  tangents: readonly TensorTree[],
  options: NormalizeOption & { readonly hasAux?: boolean } = {},
): unknown {
  const { hasAux = false, normalize = false } = checkOptions('fvp', options, ['hasAux', 'normalize']);
  return evaluate('fvp', () => {
    const { value, aux, pushforward, pullback } = differentialOf('fvp', f, primals, hasAux);
    const sum = pullback(pushforward(tangents));
    const product = normalize ? map((leaf: Tensor) => dividedByLength(leaf, value), sum) : sum;
    return hasAux ? [value, product, aux] : [value, product];
  });
}

export interface EmpiricalFisherOptions extends NormalizeOption {
  /** The argument that is differentiated, or several of them. Default 0. */
  readonly argnums?: number | readonly number[];
}

/**
 * The empirical Fisher matrix `Jᵀ J = Σ gᵢ gᵢᵀ`, where `f` returns the log likelihood of each example and `gᵢ` is the gradient of one.
 *
 * `empiricalFisher(f)(...args)` returns a tensor `[p, p]` over the `p` elements of the arguments `argnums`, in the order of `tree.ravel`;
 * of several arguments those of the first come first. `normalize` divides by the number of elements of the value. With `hasAux`, `f` returns
 * `[value, aux]` and the result is `[fisher, aux]`.
 */
export function empiricalFisher<R extends readonly unknown[]>(
  f: (...args: R) => TensorTree,
  options?: EmpiricalFisherOptions & { readonly hasAux?: false },
): (...args: R) => Tensor2D;
export function empiricalFisher<R extends readonly unknown[], A>(
  f: (...args: R) => readonly [TensorTree, A],
  options: EmpiricalFisherOptions & { readonly hasAux: true },
): (...args: R) => [fisher: Tensor2D, aux: A];
export function empiricalFisher(
  f: (...args: never) => unknown,
  options: EmpiricalFisherOptions & { readonly hasAux?: boolean } = {},
): (...args: readonly unknown[]) => unknown {
  const {
    argnums = 0,
    hasAux = false,
    normalize = false,
  } = checkOptions('empiricalFisher', options, ['argnums', 'hasAux', 'normalize']);
  return (...args) =>
    evaluate('empiricalFisher', () => {
      const indices = [argnums].flat() as number[];
      const wrong = indices.find((index) => !(index in args));
      if (wrong !== undefined) {
        throw new Error(`empiricalFisher: argnums has ${wrong}, and the function was given ${args.length} arguments`);
      }
      const { flat, unravel } = ravel(indices.map((index) => args[index]) as TensorTree);
      const likelihoods = (vector: Tensor): [Tensor, TensorTree] => {
        const chosen = unravel(vector) as readonly TensorTree[];
        const all = args.map((arg, i) => (indices.includes(i) ? chosen[indices.indexOf(i)] : arg));
        const result = refusePromise('empiricalFisher', f(...(all as never)));
        const [value, aux] = hasAux ? splitAux('empiricalFisher', result) : [result, []];
        return [ravel(value as TensorTree).flat, aux as TensorTree];
      };
      const [rows, aux] = jacrev(likelihoods, { hasAux: true })(flat);
      const sum = matMul(rows, rows, true) as Tensor2D;
      const fisher = normalize ? div(sum, rows.shape[0] as number) : sum;
      return hasAux ? [fisher, aux] : fisher;
    });
}
