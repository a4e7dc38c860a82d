import { currentTrace, type Trace, type Value } from '@posteriors/backend';
import { flatten, paths, type Structure, type TensorTree, unflatten } from '@posteriors/tree';
import { Tensor } from '@tensorflow/tfjs-core';
import { describeLeaf, differentiated, requireArguments, requireReal, splitAux } from './arguments.ts';
import { checkOptions } from './check-options.ts';
import { pushForward } from './differentiate.ts';
import { type Disposer, disposable } from './disposable.ts';
import { evaluate, refusePromise } from './evaluate.ts';
import { inlineProgram } from './inline.ts';
import { linearMap, matchingLeaves } from './linear-map.ts';
import { zerosLike } from './shapes.ts';

/**
 * Forward mode: the value of `f(...primals)` and its directional derivative along `tangents`, which are trees like the primals.
 *
 * Returns `[value, tangent]`; with `hasAux`, `f` returns `[value, aux]` and the result is `[value, tangent, aux]`.
 *
 * @throws if a tangent differs from its primal in structure or shape, or a kernel used has no rule.
 */
export function jvp<P extends readonly TensorTree[], Y extends TensorTree>(
  f: (...primals: P) => Y,
  primals: P,
  tangents: NoInfer<P>,
  options?: { readonly hasAux?: false },
): [value: Y, tangent: Y];
export function jvp<P extends readonly TensorTree[], Y extends TensorTree, A>(
  f: (...primals: P) => readonly [Y, A],
  primals: P,
  tangents: NoInfer<P>,
  options: { readonly hasAux: true },
): [value: Y, tangent: Y, aux: A];
export function jvp(
  f: (...primals: never) => unknown,
  primals: readonly TensorTree[],
  tangents: readonly TensorTree[],
  options: { readonly hasAux?: boolean } = {},
): unknown[] {
  const { hasAux = false } = checkOptions('jvp', options, ['hasAux']);
  return jvpOf('jvp', f, primals, tangents, hasAux);
}

/** {@link jvp} within the transform `name`. */
export function jvpOf(
  name: string,
  f: (...primals: never) => unknown,
  primals: readonly TensorTree[],
  tangents: readonly TensorTree[],
  hasAux: boolean,
): unknown[] {
  requireArguments(name, primals);
  requireArguments(name, tangents);
  return evaluate(name, () => {
    const trace = currentTrace() as Trace;
    const argument = differentiated(name, primals as TensorTree);
    const directions = matchingLeaves(name, 'tangent', tangents as TensorTree, argument.structure, argument.leaves);
    const start = trace.equations.length;
    const result = refusePromise(
      name,
      (f as (...args: readonly TensorTree[]) => unknown)(...(argument.tree as readonly TensorTree[])),
    );
    const [value, aux] = hasAux ? splitAux(name, result) : [result, undefined];
    const { leaves, structure } = flatten(value as TensorTree);
    leaves.forEach((leaf, i) => {
      if (leaf instanceof Tensor) return;
      const path = paths(value as TensorTree)[i];
      throw new Error(
        `${name}: the function must return a tree of tensors, and ${path} of what it returned is ${describeLeaf(leaf)}`,
      );
    });
    requireReal(name, 'the result', leaves, (i) => paths(value as TensorTree)[i] as string);
    const known = new Map(argument.leaves.map((leaf, i) => [(trace.atom(leaf) as Value).id, directions[i] as Tensor]));
    const outgoing = pushForward(
      trace,
      trace.equations.slice(start),
      known,
      leaves.map((leaf) => trace.atom(leaf)),
      'forward',
    );
    const tangent = unflatten(
      structure,
      outgoing.map((t, i) => t ?? zerosLike(leaves[i] as Tensor)),
    );
    return hasAux ? [value, tangent, aux] : [value, tangent];
  });
}

/** The result of {@link linearize}. */
export interface Linearization<P, Y, A> extends Disposer {
  readonly value: Y;
  readonly aux: A;
  /** The directional derivative along tangents that are trees like the primals. Nothing of `f` is computed again. */
  pushforward(...tangents: P extends readonly unknown[] ? P : never): Y;
}

/**
 * The value of `f(...primals)` and its derivative there as a linear function, which costs no new evaluation of `f`.
 *
 * What the derivative needs is kept on the device until `dispose()`. `value` and `aux` belong to the caller and are not disposed with it.
 */
export function linearize<P extends readonly TensorTree[], Y extends TensorTree>(
  f: (...primals: P) => Y,
  primals: P,
  options?: { readonly hasAux?: false },
): Linearization<P, Y, undefined>;
export function linearize<P extends readonly TensorTree[], Y extends TensorTree, A>(
  f: (...primals: P) => readonly [Y, A],
  primals: P,
  options: { readonly hasAux: true },
): Linearization<P, Y, A>;
export function linearize(
  f: (...primals: never) => unknown,
  primals: readonly TensorTree[],
  options: { readonly hasAux?: boolean } = {},
): Linearization<readonly TensorTree[], TensorTree, unknown> {
  const { hasAux = false } = checkOptions('linearize', options, ['hasAux']);
  return linearizeOf('linearize', f, primals, hasAux);
}

/** {@link linearize} within the transform `name`. */
export function linearizeOf(
  name: string,
  f: (...primals: never) => unknown,
  primals: readonly TensorTree[],
  hasAux: boolean,
): Linearization<readonly TensorTree[], TensorTree, unknown> {
  requireArguments(name, primals);
  const map = linearMap(name, f as never, primals, hasAux, 'forward', inlineProgram);
  const output: Structure = flatten(map.value as TensorTree).structure;
  const shapes = flatten(primals as TensorTree).leaves.map(({ shape }) => ({ shape }));
  return disposable({
    value: map.value as TensorTree,
    aux: hasAux ? map.aux : undefined,
    pushforward: (...tangents: readonly TensorTree[]) =>
      unflatten(
        output,
        map.apply(matchingLeaves(name, 'tangent', tangents as TensorTree, map.argument, shapes)),
      ) as TensorTree,
    dispose: () => map.dispose(),
  });
}
