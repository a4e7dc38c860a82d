import { flatten, type MapLeaves, type Structure, type TensorTree, unflatten } from '@posteriors/tree';
import { cast, equal, range, reshape, slice, type Tensor } from '@tensorflow/tfjs-core';
import { checkOptions } from './check-options.ts';
import { evaluate } from './evaluate.ts';
import { linearizeOf } from './jvp.ts';
import { vjpOf } from './vjp.ts';
import { vmap } from './vmap.ts';

/** A tree like the value `Y` in which a tree like the parameters `P` stands for each tensor. */
export type Jacobian<Y, P> = MapLeaves<Y, P>;

/**
 * The Jacobian of a function in its first argument, a tree of float32 tensors, by reverse mode: one pullback for each element of the
 * value, all in one batch. For functions with fewer results than parameters.
 *
 * `jacrev(f)(params, ...rest)` returns a tree like the value, in which each tensor of shape `s` is replaced by a tree like `params`, whose
 * leaves of shape `t` have shape `[...s, ...t]`. With `hasAux`, `f` returns `[value, aux]` and the result is `[jacobian, aux]`.
 *
 * @throws if the value is not a tree of float32 tensors, a parameter is not a float32 tensor, or a kernel used has no rule.
 */
export function jacrev<P extends TensorTree, R extends readonly unknown[], Y extends TensorTree>(
  f: (params: P, ...rest: R) => Y,
  options?: { readonly hasAux?: false },
): (params: P, ...rest: R) => Jacobian<Y, P>;
export function jacrev<P extends TensorTree, R extends readonly unknown[], Y extends TensorTree, A>(
  f: (params: P, ...rest: R) => readonly [Y, A],
  options: { readonly hasAux: true },
): (params: P, ...rest: R) => [jacobian: Jacobian<Y, P>, aux: A];
// An operation of tfjs, whose parameter is a tensor or what can be made one.
export function jacrev<R extends readonly unknown[]>(
  f: (params: Tensor, ...rest: R) => Tensor,
  options?: { readonly hasAux?: false },
): (params: Tensor, ...rest: R) => Tensor;
export function jacrev(
  f: (params: never, ...rest: never) => unknown,
  options: { readonly hasAux?: boolean } = {},
): (params: never, ...rest: never) => unknown {
  const { hasAux = false } = checkOptions('jacrev', options, ['hasAux']);
  return (params: TensorTree, ...rest: readonly unknown[]) =>
    evaluate('jacrev', () => {
      const of = (p: never): unknown => f(p, ...(rest as never));
      const { value, aux, pullback } = vjpOf('jacrev', of, [params], hasAux);
      const output = flatten<unknown>(value);
      const rows = vmap((cotangent: TensorTree) => pullback(cotangent)[0] as TensorTree)(basis(output));
      const structure = flatten(params).structure;
      let offset = 0;
      const blocks = (output.leaves as Tensor[]).map(({ shape, size }) => {
        const block = flatten(rows).leaves.map((leaf) => {
          const rest = leaf.shape.slice(1);
          const part = slice(leaf, [offset, ...rest.map(() => 0)], [size, ...rest]);
          return reshape(part, [...shape, ...rest]);
        });
        offset += size;
        return unflatten(structure, block);
      });
      const jacobian = unflatten(output.structure, blocks);
      return hasAux ? [jacobian, aux] : jacobian;
    });
}

/**
 * The Jacobian by forward mode: one pushforward for each element of the parameters, all in one batch. For functions with fewer parameters
 * than results. Otherwise as {@link jacrev}.
 */
export function jacfwd<P extends TensorTree, R extends readonly unknown[], Y extends TensorTree>(
  f: (params: P, ...rest: R) => Y,
  options?: { readonly hasAux?: false },
): (params: P, ...rest: R) => Jacobian<Y, P>;
export function jacfwd<P extends TensorTree, R extends readonly unknown[], Y extends TensorTree, A>(
  f: (params: P, ...rest: R) => readonly [Y, A],
  options: { readonly hasAux: true },
): (params: P, ...rest: R) => [jacobian: Jacobian<Y, P>, aux: A];
// An operation of tfjs, whose parameter is a tensor or what can be made one.
export function jacfwd<R extends readonly unknown[]>(
  f: (params: Tensor, ...rest: R) => Tensor,
  options?: { readonly hasAux?: false },
): (params: Tensor, ...rest: R) => Tensor;
export function jacfwd(
  f: (params: never, ...rest: never) => unknown,
  options: { readonly hasAux?: boolean } = {},
): (params: never, ...rest: never) => unknown {
  const { hasAux = false } = checkOptions('jacfwd', options, ['hasAux']);
  return (params: TensorTree, ...rest: readonly unknown[]) =>
    evaluate('jacfwd', () => {
      const of = (p: never): unknown => f(p, ...(rest as never));
      const { aux, pushforward } = linearizeOf('jacfwd', of, [params], hasAux);
      const input = flatten(params);
      const columns = vmap(pushforward, { outAxes: -1 })(basis(input as never) as never);
      const output = flatten(columns as TensorTree);
      const blocks = output.leaves.map((leaf) => {
        const shape = leaf.shape.slice(0, -1);
        let offset = 0;
        const block = input.leaves.map((parameter) => {
          const part = slice(leaf, [...shape.map(() => 0), offset], [...shape, parameter.size]);
          offset += parameter.size;
          return reshape(part, [...shape, ...parameter.shape]);
        });
        return unflatten(input.structure, block);
      });
      const jacobian = unflatten(output.structure as Structure, blocks);
      return hasAux ? [jacobian, aux] : jacobian;
    });
}

/**
 * The second derivatives of a function in its first argument, forward over reverse.
 *
 * `hessian(f)(params, ...rest)` returns, for a scalar, a tree like `params` of trees like `params`, with leaves of shape `[...t, ...u]` for
 * parameters of shapes `t` and `u`; for other values, a tree of these like the value, with leaves of shape `[...s, ...t, ...u]`. With
 * `hasAux`, `f` returns `[value, aux]` and the result is `[hessian, aux]`.
 */
export function hessian<P extends TensorTree, R extends readonly unknown[], Y extends TensorTree>(
  f: (params: P, ...rest: R) => Y,
  options?: { readonly hasAux?: false },
): (params: P, ...rest: R) => Jacobian<Y, Jacobian<P, P>>;
export function hessian<P extends TensorTree, R extends readonly unknown[], Y extends TensorTree, A>(
  f: (params: P, ...rest: R) => readonly [Y, A],
  options: { readonly hasAux: true },
): (params: P, ...rest: R) => [hessian: Jacobian<Y, Jacobian<P, P>>, aux: A];
// An operation of tfjs, whose parameter is a tensor or what can be made one.
export function hessian<R extends readonly unknown[]>(
  f: (params: Tensor, ...rest: R) => Tensor,
  options?: { readonly hasAux?: false },
): (params: Tensor, ...rest: R) => Tensor;
export function hessian(
  f: (params: never, ...rest: never) => unknown,
  options: { readonly hasAux?: boolean } = {},
): (params: never, ...rest: never) => unknown {
  const withAux = checkOptions('hessian', options, ['hasAux']) as { hasAux: true };
  return jacfwd(jacrev(f as () => [TensorTree, unknown], withAux), withAux);
}

/** Unit vectors of a tree, one a row: leaf `i` has shape `[elements of the tree, ...shape of leaf i]`. */
function basis({
  leaves,
  structure,
}: {
  readonly leaves: readonly unknown[];
  readonly structure: Structure;
}): TensorTree {
  const tensors = leaves as readonly Tensor[];
  const total = tensors.reduce((sum, { size }) => sum + size, 0);
  const rows = range(0, total, 1, 'int32');
  let offset = 0;
  const units = tensors.map(({ shape, size }) => {
    const block = unitRows(rows, size, offset);
    offset += size;
    return reshape(block, [total, ...shape]);
  });
  return unflatten(structure, units) as TensorTree;
}

/** Rows of the unit matrix, `[k, size]`: row `j` is 1 where `indices`, int32 `[k]`, at `j` less `offset` is the column, else 0. */
export function unitRows(indices: Tensor, size: number, offset = 0): Tensor {
  const columns = reshape(range(offset, offset + size, 1, 'int32'), [1, size]);
  return cast(equal(reshape(indices, [indices.size, 1]), columns), 'float32');
}
