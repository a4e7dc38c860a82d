import { map, ravel, type TensorTree } from '@posteriors/tree';
import { matMul, mul, range, sum, type Tensor, type Tensor2D } from '@tensorflow/tfjs-core';
import { requireScalar, splitAux } from './arguments.ts';
import { sumOverChunks } from './chunks.ts';
import { differentialOf, dividedByLength, type LikePrimals } from './differential.ts';
import { evaluate, refusePromise } from './evaluate.ts';
import type { NormalizeOption } from './fisher.ts';
import { grad } from './grad.ts';
import { hvp } from './hvp.ts';
import { unitRows } from './jacobian.ts';
import { linearize } from './jvp.ts';
import { vjp } from './vjp.ts';
import { vmap } from './vmap.ts';

export interface GgnOptions<FA extends boolean, LA extends boolean> extends NormalizeOption {
  /** Whether `forward` returns `[value, aux]`. Default false. */
  readonly forwardHasAux?: FA;
  /** Whether `loss` returns `[value, aux]`. Default false. */
  readonly lossHasAux?: LA;
}

type Returned = TensorTree | readonly [TensorTree, unknown];
type Value<Y, HasAux> = HasAux extends true ? (Y extends readonly [infer Z, unknown] ? Z : never) : Y;
type AuxOf<Y, HasAux> = HasAux extends true ? (Y extends readonly [unknown, infer A] ? [A] : never) : [];

/** `G` by itself, or followed by the aux of `forward` and that of `loss`, as far as they have any. */
export type WithAux<G, Y, FA, L, LA> = [...AuxOf<Y, FA>, ...AuxOf<L, LA>] extends []
  ? G
  : [G, ...AuxOf<Y, FA>, ...AuxOf<L, LA>];

/**
 * The generalised Gauss-Newton matrix times a vector: `Jᵀ H J v`, where `J` is the Jacobian of `forward` and `H` the Hessian of the scalar
 * `loss` at `z = forward(...primals)`, a tree of tensors of any shapes. (Schraudolph, 2002)
 *
 * Returns `[[z, gradient of the loss at z], product]`, followed by the aux of `forward` and of `loss`, as far as they have any. The product
 * is a tree like the only primal, or a list with one for each of several. `normalize` divides by the length of axis 0 of the first tensor
 * of `z`.
 */
export function ggnvp<
  P extends readonly TensorTree[],
  Y extends Returned,
  L extends Returned,
  FA extends boolean = false,
  LA extends boolean = false,
>(
  forward: (...primals: P) => Y,
  loss: (z: Value<NoInfer<Y>, FA>) => L,
  primals: P,
  tangents: NoInfer<P>,
  options?: GgnOptions<FA, LA>,
): [at: [z: Value<Y, FA>, gradient: Value<Y, FA>], product: LikePrimals<P>, ...aux: [...AuxOf<Y, FA>, ...AuxOf<L, LA>]];
export function ggnvp(
  forward: (...primals: never) => unknown,
  loss: (z: never) => unknown,
  primals: readonly TensorTree[],
  tangents: readonly TensorTree[],
  { forwardHasAux = false, lossHasAux = false, normalize = false }: GgnOptions<boolean, boolean> = {},
): never {
  return evaluate('ggnvp', () => {
    const { value, aux, pushforward, pullback } = differentialOf('ggnvp', forward, primals, forwardHasAux);
    const [gradient, curved, lossAux] = hvp(withAux('ggnvp', loss, lossHasAux), [value], [pushforward(tangents)], {
      hasAux: true,
    });
    const whole = pullback(curved);
    const product = normalize ? map((leaf: Tensor) => dividedByLength(leaf, value), whole) : whole;
    return [[value, gradient], product, ...(forwardHasAux ? [aux] : []), ...(lossHasAux ? [lossAux] : [])];
  }) as never;
}

/**
 * The generalised Gauss-Newton matrix `Jᵀ H J` in the first argument of `forward`, a tree of float32 tensors with `p` elements: a tensor
 * `[p, p]` in the order of `tree.ravel`.
 *
 * `J` is the Jacobian of `forward` and `H` the Hessian of the scalar `loss` at `z = forward(params, ...rest)`, a tree of tensors of any
 * shapes, whose elements count `n`: `J` takes memory for `n p` numbers and `H` for `n²`. `normalize` divides by the length of axis 0 of the
 * first tensor of `z`. Where there is aux, the result is `[matrix, aux of forward, aux of loss]`, as far as they have any.
 */
export function ggn<
  P extends TensorTree,
  R extends readonly unknown[],
  Y extends Returned,
  L extends Returned,
  FA extends boolean = false,
  LA extends boolean = false,
>(
  forward: (params: P, ...rest: R) => Y,
  loss: (z: Value<NoInfer<Y>, FA>) => L,
  options?: GgnOptions<FA, LA>,
): (params: P, ...rest: R) => WithAux<Tensor2D, Y, FA, L, LA> {
  return assembled('ggn', forward, loss, options, ({ size, pullback, curve }) => {
    const units = unitRows(range(0, size, 1, 'int32'), size);
    const jacobian = pullback(units);
    return matMul(jacobian, matMul(curve(units), jacobian), true);
  }) as never;
}

/**
 * The diagonal of {@link ggn}, as a tree like the first argument of `forward`: `Σ (Jᵀ eᵢ) (Jᵀ H eᵢ)` over the elements `i` of `z`, so many of
 * them at a time that their rows of `J` and of `H` count {@link CHUNK} numbers each at the most.
 */
export function diagGgn<
  P extends TensorTree,
  R extends readonly unknown[],
  Y extends Returned,
  L extends Returned,
  FA extends boolean = false,
  LA extends boolean = false,
>(
  forward: (params: P, ...rest: R) => Y,
  loss: (z: Value<NoInfer<Y>, FA>) => L,
  options?: GgnOptions<FA, LA>,
): (params: P, ...rest: R) => WithAux<P, Y, FA, L, LA> {
  return assembled('diagGgn', forward, loss, options, ({ size, parameters, pullback, curve, unravel }) => {
    const rows = Math.max(1, Math.floor(CHUNK / Math.max(parameters, size)));
    const [diagonal] = sumOverChunks(
      (indices: Tensor): [Tensor, []] => {
        const units = unitRows(indices, size);
        return [sum(mul(pullback(units), pullback(curve(units))), 0), []];
      },
      range(0, size, 1, 'int32') as Tensor,
      rows,
    );
    return unravel(diagonal);
  }) as never;
}

/** What {@link diagGgn} holds at once of a Jacobian, in numbers: 16 MB. */
const CHUNK = 2 ** 22;

/** What the matrix is made of, for vectors: `z` has `size` elements, the parameters `parameters`. */
interface Factors {
  readonly size: number;
  readonly parameters: number;
  /** Rows `v`, `[k, size]`, to rows `Jᵀ v`, `[k, parameters]`. */
  readonly pullback: (rows: Tensor) => Tensor;
  /** Rows `v` to rows `H v`. */
  readonly curve: (rows: Tensor) => Tensor;
  readonly unravel: (flat: Tensor) => TensorTree;
}

/** Puts a result together from `J` and `H`. */
function assembled(
  name: string,
  forward: (...args: never) => unknown,
  loss: (z: never) => unknown,
  { forwardHasAux = false, lossHasAux = false, normalize = false }: GgnOptions<boolean, boolean> = {},
  assemble: (factors: Factors) => TensorTree,
): (params: TensorTree, ...rest: readonly unknown[]) => unknown {
  return (params, ...rest) =>
    evaluate(name, () => {
      const { flat, unravel } = ravel(params);
      const outputs = (vector: Tensor): [Tensor, [TensorTree, TensorTree]] => {
        const [z, aux] = withAux(name, forward, forwardHasAux)(unravel(vector), ...rest);
        return [ravel(z).flat, [z, aux]];
      };
      const {
        value,
        aux: [z, aux],
        pullback,
      } = vjp(outputs, [flat as Tensor], { hasAux: true });
      const point = ravel(z);
      const lossOf = withAux(name, loss, lossHasAux);
      const losses = (vector: Tensor): [Tensor, TensorTree] => {
        const [scalar, lossAux] = lossOf(point.unravel(vector));
        return [requireScalar(name, scalar), lossAux];
      };
      const gradient = linearize(grad(losses, { hasAux: true }), [value], { hasAux: true });
      const whole = assemble({
        size: value.size,
        parameters: flat.size,
        pullback: vmap((row: Tensor) => pullback(row)[0]),
        curve: vmap((row: Tensor) => gradient.pushforward(row)),
        unravel,
      });
      const result = normalize ? map((leaf: Tensor) => dividedByLength(leaf, z), whole) : whole;
      const auxes = [...(forwardHasAux ? [aux] : []), ...(lossHasAux ? [gradient.aux] : [])];
      return auxes.length === 0 ? result : [result, ...auxes];
    });
}

/** A function that returns `[value, aux]`, where `aux` is `[]` if `f` has none. */
function withAux<Z extends TensorTree>(
  name: string,
  f: (...args: never) => unknown,
  hasAux: boolean,
): (...args: readonly unknown[]) => [Z, TensorTree] {
  return (...args) => {
    const result = refusePromise(name, f(...(args as never)));
    return (hasAux ? splitAux(name, result) : [result, []]) as [Z, TensorTree];
  };
}
