import { currentTrace, type Program, type Trace } from '@posteriors/backend';
import { flatten, type TensorTree, unflatten } from '@posteriors/tree';
import type { Tensor } from '@tensorflow/tfjs-core';
import { requireArguments } from './arguments.ts';
import { checkOptions } from './check-options.ts';
import { symbolsLike, transpose } from './differentiate.ts';
import { type Disposer, disposable } from './disposable.ts';
import { inlineProgram } from './inline.ts';
import { linearMap, matchingLeaves } from './linear-map.ts';
import { zerosLike } from './shapes.ts';

/** The result of {@link vjp}. */
export interface Pullback<P, Y, A> extends Disposer {
  readonly value: Y;
  readonly aux: A;
  /** Cotangents of all primals for a cotangent that is a tree like the value. Nothing of `f` is computed again. */
  pullback(cotangent: Y): P;
}

/**
 * Reverse mode: the value of `f(...primals)` and the function that pulls cotangents of it back to cotangents of the primals.
 *
 * What that needs is kept on the device until `dispose()`. `value` and `aux` belong to the caller and are not disposed with it.
 */
export function vjp<P extends readonly TensorTree[], Y extends TensorTree>(
  f: (...primals: P) => Y,
  primals: P,
  options?: { readonly hasAux?: false },
): Pullback<P, Y, undefined>;
export function vjp<P extends readonly TensorTree[], Y extends TensorTree, A>(
  f: (...primals: P) => readonly [Y, A],
  primals: P,
  options: { readonly hasAux: true },
): Pullback<P, Y, A>;
export function vjp(
  f: (...primals: never) => unknown,
  primals: readonly TensorTree[],
  options: { readonly hasAux?: boolean } = {},
): Pullback<readonly TensorTree[], TensorTree, unknown> {
  const { hasAux = false } = checkOptions('vjp', options, ['hasAux']);
  return vjpOf('vjp', f, primals, hasAux);
}

/** {@link vjp} within the transform `name`. */
export function vjpOf(
  name: string,
  f: (...primals: never) => unknown,
  primals: readonly TensorTree[],
  hasAux: boolean,
): Pullback<readonly TensorTree[], TensorTree, unknown> {
  requireArguments(name, primals);
  const count = flatten(primals as TensorTree).leaves.length;
  const map = linearMap(name, f as never, primals, hasAux, 'reverse', (program, inputs) => {
    const values = program.outputs.length;
    return pullThrough(program, count, inputs.slice(0, values), inputs.slice(values));
  });
  const { leaves, structure } = flatten(map.value as TensorTree);
  const shapes = leaves.map(({ shape }) => ({ shape }));
  return disposable({
    value: map.value as TensorTree,
    aux: hasAux ? map.aux : undefined,
    pullback: (cotangent: TensorTree) =>
      unflatten(
        map.argument,
        map.apply(matchingLeaves(name, 'cotangent', cotangent, structure, shapes)),
      ) as readonly TensorTree[],
    dispose: () => map.dispose(),
  });
}

/** Records the transpose of a linear program of `count` tangents and some residuals. */
function pullThrough(
  program: Program,
  count: number,
  cotangents: readonly Tensor[],
  residuals: readonly Tensor[],
): Tensor[] {
  const trace = currentTrace() as Trace;
  const seeds = symbolsLike(trace, program.inputs.slice(0, count));
  const start = trace.equations.length;
  const tangents = inlineProgram(program, [...seeds, ...residuals]);
  return transpose(trace, start, seeds, tangents, cotangents).map(
    (cotangent, i) => cotangent ?? zerosLike(seeds[i] as Tensor),
  );
}
