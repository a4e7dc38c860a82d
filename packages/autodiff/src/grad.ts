import { currentTrace, type Trace } from '@posteriors/backend';
import { type TensorTree, unflatten } from '@posteriors/tree';
import { scalar, type Tensor } from '@tensorflow/tfjs-core';
import { differentiated, requireScalar, splitAux } from './arguments.ts';
import { checkOptions } from './check-options.ts';
import { pullBack } from './differentiate.ts';
import { evaluate, refusePromise } from './evaluate.ts';
import { zerosLike } from './shapes.ts';

/**
 * The gradient of a scalar function with respect to its first argument, a tree of float32 tensors.
 *
 * `grad(f)(params, ...rest)` returns a tree like `params`. With `hasAux`, `f` returns `[value, aux]` and the result is `[gradient, aux]`.
 * Transforms nest in any order. The tensors returned belong to the caller.
 *
 * @throws if the value is not a float32 scalar, a parameter is not a float32 tensor, or a kernel used has no rule.
 */
export function grad<P extends TensorTree, R extends readonly unknown[]>(
  f: (params: P, ...rest: R) => Tensor,
  options?: { readonly hasAux?: false },
): (params: P, ...rest: R) => P;
export function grad<P extends TensorTree, R extends readonly unknown[], A>(
  f: (params: P, ...rest: R) => readonly [Tensor, A],
  options: { readonly hasAux: true },
): (params: P, ...rest: R) => [gradient: P, aux: A];
// An operation of tfjs, whose parameter is a tensor or what can be made one.
export function grad<R extends readonly unknown[]>(
  f: (params: Tensor, ...rest: R) => Tensor,
  options?: { readonly hasAux?: false },
): (params: Tensor, ...rest: R) => Tensor;
export function grad<P extends TensorTree, R extends readonly unknown[], A>(
  f: (params: P, ...rest: R) => Tensor | readonly [Tensor, A],
  options: { readonly hasAux?: boolean } = {},
): (params: P, ...rest: R) => P | [P, A] {
  const { hasAux = false } = checkOptions('grad', options, ['hasAux']);
  return (params, ...rest) =>
    evaluate('grad', () => {
      const { aux, gradient } = gradientOf('grad', f, hasAux, params, rest);
      return hasAux ? [gradient, aux as A] : gradient;
    });
}

/**
 * Value and gradient in one pass: `valueAndGrad(f)(params, ...rest)` returns `[value, gradient]`, with `hasAux` `[[value, aux], gradient]`.
 * Otherwise as {@link grad}.
 */
export function valueAndGrad<P extends TensorTree, R extends readonly unknown[]>(
  f: (params: P, ...rest: R) => Tensor,
  options?: { readonly hasAux?: false },
): (params: P, ...rest: R) => [value: Tensor, gradient: P];
export function valueAndGrad<P extends TensorTree, R extends readonly unknown[], A>(
  f: (params: P, ...rest: R) => readonly [Tensor, A],
  options: { readonly hasAux: true },
): (params: P, ...rest: R) => [value: [Tensor, A], gradient: P];
// An operation of tfjs, whose parameter is a tensor or what can be made one.
export function valueAndGrad<R extends readonly unknown[]>(
  f: (params: Tensor, ...rest: R) => Tensor,
  options?: { readonly hasAux?: false },
): (params: Tensor, ...rest: R) => [value: Tensor, gradient: Tensor];
export function valueAndGrad<P extends TensorTree, R extends readonly unknown[], A>(
  f: (params: P, ...rest: R) => Tensor | readonly [Tensor, A],
  options: { readonly hasAux?: boolean } = {},
): (params: P, ...rest: R) => [Tensor | [Tensor, A], P] {
  const { hasAux = false } = checkOptions('valueAndGrad', options, ['hasAux']);
  return (params, ...rest) =>
    evaluate('valueAndGrad', () => {
      const { value, aux, gradient } = gradientOf('valueAndGrad', f, hasAux, params, rest);
      return [hasAux ? [value, aux as A] : value, gradient];
    });
}

/** Value, aux and gradient within the open trace; `name` stands in errors. */
export function gradientOf<P extends TensorTree, R extends readonly unknown[]>(
  name: string,
  f: (params: P, ...rest: R) => unknown,
  hasAux: boolean,
  params: P,
  rest: R,
): { value: Tensor; aux: unknown; gradient: P } {
  const trace = currentTrace() as Trace;
  const argument = differentiated(name, params);
  const start = trace.equations.length;
  const result = refusePromise(name, f(argument.tree, ...rest));
  const [first, aux] = hasAux ? splitAux(name, result) : [result, undefined];
  const value = requireScalar(name, first);
  const cotangents = pullBack(trace, start, argument.leaves, [value], [scalar(1)]);
  const leaves = cotangents.map((cotangent, i) => cotangent ?? zerosLike(argument.leaves[i] as Tensor));
  return { value, aux, gradient: unflatten(argument.structure, leaves) as P };
}
