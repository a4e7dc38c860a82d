import { sizeOf } from '@posteriors/backend';
import { map, ravel, type TensorTree } from '@posteriors/tree';
import { expandDims, matMul, mul, range, reshape, sum, Tensor, type Tensor2D } from '@tensorflow/tfjs-core';
import { requireScalar, splitAux } from './arguments.ts';
import { byRows } from './by-rows.ts';
import { checkOptions } from './check-options.ts';
import { sumOverChunks } from './chunks.ts';
import { differentialOf, dividedByLength, type LikePrimals } from './differential.ts';
import { evaluate, refusePromise } from './evaluate.ts';
import type { NormalizeOption } from './fisher.ts';
import { grad } from './grad.ts';
import { hvp } from './hvp.ts';
import { unitRows } from './jacobian.ts';
import { linearize } from './jvp.ts';
import { zerosLike } from './shapes.ts';
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
const known = ['forwardHasAux', 'lossHasAux', 'normalize'];

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
  options: GgnOptions<boolean, boolean> = {},
): never {
  const { forwardHasAux = false, lossHasAux = false, normalize = false } = checkOptions('ggnvp', options, known);
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
 * shapes. It is the sum of `(Jᵀ eᵢ) (Jᵀ H eᵢ)ᵀ` over the elements `i` of `z`, of which a bounded number is taken at a time (`sumOverChunks`):
 * `J` and `H` are held whole only where they are small. Where `z` is one tensor with a row for each example of the first of `rest`, along axis
 * 0, and {@link byRows} can take both `forward` and the gradient of `loss` apart, each of these products costs as much as one example;
 * elsewhere, as much as the batch.
 * `normalize` divides by the length of axis 0 of the first tensor of `z`. Where there is aux, the result is `[matrix, aux of forward, aux of
 * loss]`, as far as they have any.
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
  const matrix = (left: TensorTree, right: TensorTree): Tensor => {
    const rows = vmap((tree: TensorTree): Tensor => ravel(tree).flat);
    return matMul(rows(left), rows(right), true);
  };
  return summed('ggn', forward, loss, options, matrix) as never;
}

/**
 * The diagonal of {@link ggn}, as a tree like the first argument of `forward`: `Σ (Jᵀ eᵢ) (Jᵀ H eᵢ)`, summed in the same way. Of a weight that
 * meets each example once this becomes a product of two matrices when the program is simplified, and no row of `J` is made.
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
  const diagonal = (left: TensorTree, right: TensorTree): TensorTree =>
    map((x: Tensor, y: Tensor) => sum<Tensor>(mul(x, y), 0), left, right as never);
  return summed('diagGgn', forward, loss, options, diagonal) as never;
}

/** Rows `Jᵀ eᵢ` and `Jᵀ H eᵢ` of some elements `i` of `z`: trees like the parameters, with these along axis 0. */
type Pair = readonly [jacobian: TensorTree, curved: TensorTree];

/** The sum over the elements of `z` of `product` of their rows. */
function summed(
  name: string,
  forward: (...args: never) => unknown,
  loss: (z: never) => unknown,
  options: GgnOptions<boolean, boolean> = {},
  product: (left: TensorTree, right: TensorTree) => TensorTree,
): (params: TensorTree, ...rest: readonly unknown[]) => unknown {
  const { forwardHasAux = false, lossHasAux = false, normalize = false } = checkOptions(name, options, known);
  return (params, ...rest) =>
    evaluate(name, () => {
      const model = withAux<TensorTree>(name, forward, forwardHasAux);
      const outputs = (at: TensorTree): [Tensor, [TensorTree, TensorTree]] => {
        const [z, aux] = model(at, ...rest);
        return [ravel(z).flat, [z, aux]];
      };
      const {
        value,
        aux: [z, aux],
        pullback,
      } = vjp(outputs, [params], { hasAux: true });
      const point = ravel(z);
      const losses = (outputs: TensorTree): [Tensor, TensorTree] => {
        const [scalar, lossAux] = withAux(name, loss, lossHasAux)(outputs);
        return [requireScalar(name, scalar), lossAux];
      };
      const gradient = linearize(grad(losses, { hasAux: true }), [z], { hasAux: true });
      const curve = (vector: Tensor): Tensor => ravel(gradient.pushforward(point.unravel(vector))).flat;

      const apart =
        z instanceof Tensor && z.rank > 0
          ? apartIn(
              z,
              params,
              (at, batch) => model(at, batch, ...rest.slice(1))[0] as Tensor,
              rest[0],
              gradient.pushforward as never,
            )
          : null;
      const together = (units: Tensor): Pair => {
        const pulled = vmap((row: Tensor) => pullback(row)[0]);
        return [pulled(units), pulled(vmap(curve)(units))];
      };
      const total =
        apart === null
          ? sumOverUnits(value.size, (units) => product(...together(units)))
          : sumOverExamples(apart.rows, (example) =>
              sumOverUnits(apart.width, (units) => product(...apart.pairs(example, units))),
            );
      const result = normalize ? map((leaf: Tensor) => dividedByLength(leaf, z), total) : total;
      const auxes = [...(forwardHasAux ? [aux] : []), ...(lossHasAux ? [gradient.aux] : [])];
      return auxes.length === 0 ? result : [result, ...auxes];
    });
}

/** The sum of `f` of all unit vectors of a length, which are given as the rows of matrices. */
function sumOverUnits(length: number, f: (units: Tensor) => TensorTree): TensorTree {
  const ofSome = (indices: Tensor): [TensorTree, []] => [f(unitRows(indices, length)), []];
  return sumOverChunks(ofSome, range(0, length, 1, 'int32') as Tensor)[0];
}

/** The sum of `f` of the slices of tensors along axis 0, the examples. */
function sumOverExamples(rows: readonly Tensor[], f: (example: readonly Tensor[]) => TensorTree): TensorTree {
  const ofSome = (some: readonly Tensor[]): [TensorTree, []] => {
    const each = vmap(f)(some);
    return [map((leaf: Tensor) => sum<Tensor>(leaf, 0), each), []];
  };
  return sumOverChunks(ofSome, rows)[0];
}

interface Apart {
  /** All that belongs to single examples, along axis 0. */
  readonly rows: readonly Tensor[];
  /** How many elements of `z` an example has. */
  readonly width: number;
  /** The rows of an example for some elements of its `z`, given as unit vectors. */
  readonly pairs: (example: readonly Tensor[], units: Tensor) => Pair;
}

/** Rows of single examples, for a model and a Hessian that both treat examples apart; null for others. */
function apartIn(
  z: Tensor,
  params: TensorTree,
  model: (params: TensorTree, batch: unknown) => Tensor,
  batch: unknown,
  curve: (vector: Tensor) => Tensor,
): Apart | null {
  const forward = byRows(model, params, batch);
  if (forward === null) return null;
  const hessian = byRows((_: [], vector: Tensor) => curve(vector), [], zerosLike(z));
  if (hessian === null) return null;
  const shape = z.shape.slice(1);
  const batchOfOne = (tensor: Tensor): Tensor => expandDims(tensor, 0);
  return {
    // The first of the rows of the Hessian is the vector that it is applied to.
    rows: [...forward.rows, ...hessian.rows.slice(1)],
    width: sizeOf(shape),
    pairs: (example, units) => {
      const rows = example.map(batchOfOne);
      const { pullback } = vjp(
        (primal: TensorTree) => forward.one(primal, rows.slice(0, forward.rows.length)),
        [params],
      );
      const pair = (unit: Tensor): Pair => {
        const vector = reshape(unit, [1, ...shape]);
        const curved = hessian.one([], [vector, ...rows.slice(forward.rows.length)]);
        return [pullback(vector)[0], pullback(curved)[0]];
      };
      return vmap(pair)(units);
    },
  };
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
