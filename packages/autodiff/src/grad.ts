import { scalar, type Tensor } from '@tensorflow/tfjs-core';
import { currentTrace, type Trace } from '@posteriors/backend';
import { type TensorTree, unflatten } from '@posteriors/tree';
import { differentiated, requireScalar, splitAux } from './arguments.ts';
import { pullBack } from './differentiate.ts';
import { evaluate, refusePromise } from './evaluate.ts';
import { zerosLike } from './shapes.ts';

export interface GradOptions {
  /** What the gradient is where the value does not depend on the parameters at all: zeros (default), or an error. */
  readonly independent?: 'zeros' | 'error';
  /** The name that errors begin with. Default: that of the transform. */
  readonly name?: string;
}

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
  options?: GradOptions & { readonly hasAux?: false },
): (params: P, ...rest: R) => P;
export function grad<P extends TensorTree, R extends readonly unknown[], A>(
  f: (params: P, ...rest: R) => readonly [Tensor, A],
  options: GradOptions & { readonly hasAux: true },
): (params: P, ...rest: R) => [gradient: P, aux: A];
export function grad<P extends TensorTree, R extends readonly unknown[], A>(
  f: (params: P, ...rest: R) => Tensor | readonly [Tensor, A],
  options: GradOptions & { readonly hasAux?: boolean } = {},
): (params: P, ...rest: R) => P | [P, A] {
  const name = options.name ?? 'grad';
  return (params, ...rest) =>
    evaluate(name, () => {
      const { aux, gradient } = gradientOf(f, options, name, params, rest);
      return options.hasAux ? [gradient, aux as A] : gradient;
    });
}

/**
 * Value and gradient in one pass: `valueAndGrad(f)(params, ...rest)` returns `[value, gradient]`, with `hasAux` `[[value, aux], gradient]`.
 * Otherwise as {@link grad}.
 */
export function valueAndGrad<P extends TensorTree, R extends readonly unknown[]>(
  f: (params: P, ...rest: R) => Tensor,
  options?: GradOptions & { readonly hasAux?: false },
): (params: P, ...rest: R) => [value: Tensor, gradient: P];
export function valueAndGrad<P extends TensorTree, R extends readonly unknown[], A>(
  f: (params: P, ...rest: R) => readonly [Tensor, A],
  options: GradOptions & { readonly hasAux: true },
): (params: P, ...rest: R) => [value: [Tensor, A], gradient: P];
export function valueAndGrad<P extends TensorTree, R extends readonly unknown[], A>(
  f: (params: P, ...rest: R) => Tensor | readonly [Tensor, A],
  options: GradOptions & { readonly hasAux?: boolean } = {},
): (params: P, ...rest: R) => [Tensor | [Tensor, A], P] {
  const name = options.name ?? 'valueAndGrad';
  return (params, ...rest) =>
    evaluate(name, () => {
      const { value, aux, gradient } = gradientOf(f, options, name, params, rest);
      return [options.hasAux ? [value, aux as A] : value, gradient];
    });
}

function gradientOf<P extends TensorTree, R extends readonly unknown[]>(
  f: (params: P, ...rest: R) => unknown,
  { hasAux = false, independent = 'zeros' }: GradOptions & { readonly hasAux?: boolean },
  name: string,
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
  if (independent === 'error' && cotangents.every((cotangent) => cotangent === null)) {
    throw new Error(`${name}: the value does not depend on the parameters, so there is nothing to learn; use them in the function that was given`);
  }
  const leaves = cotangents.map((cotangent, i) => cotangent ?? zerosLike(argument.leaves[i] as Tensor));
  return { value, aux, gradient: unflatten(argument.structure, leaves) as P };
}

