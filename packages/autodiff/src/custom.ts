import { currentTrace, type Trace } from '@posteriors/backend';
import { flatten, hasStructure, printStructure, type Structure, type TensorTree, unflatten } from '@posteriors/tree';
import type { Tensor } from '@tensorflow/tfjs-core';
import { closuresOf, ownValues, recordCall } from './call.ts';
import { evaluate } from './evaluate.ts';
import { zerosLike } from './shapes.ts';

/**
 * A function whose derivative is given by a rule for tangents: `jvp(args, tangents, value)` returns the tangent of the value.
 *
 * Arguments and value are trees of tensors. The rule must be linear in the tangents, and may be differentiated again. Both modes use it:
 * reverse mode transposes it.
 *
 * @throws when a value that `f` uses and that is not its argument is differentiated: pass it as an argument.
 */
export function customJvp<A extends readonly TensorTree[], Y extends TensorTree>(
  f: (...args: A) => Y,
  jvp: (args: A, tangents: A, value: Y) => Y,
): (...args: A) => Y {
  return (...args) =>
    evaluate('customJvp', () => {
      const { leaves, structure } = flatten(args as TensorTree);
      const { value, output, closures } = tracedValue(leaves, () => f(...args));
      const rule = (seeds: readonly Tensor[]): readonly Tensor[] => {
        // Only float32 arguments have tangents; the others get zeros.
        let next = 0;
        const tangents = leaves.map((leaf) => (leaf.dtype === 'float32' ? (seeds[next++] as Tensor) : zerosLike(leaf)));
        return leavesLike(
          'customJvp',
          'tangent',
          jvp(args, unflatten(structure, tangents) as unknown as A, value),
          output.structure,
        );
      };
      return unflatten(
        output.structure,
        recordCall('customJvp', 'forward', leaves, output.leaves, closures, rule),
      ) as Y;
    });
}

/**
 * A function whose derivative is given by a rule for cotangents: `vjp(args, cotangent, value)` returns the cotangents of all arguments.
 *
 * Arguments and value are trees of tensors. The rule may be differentiated again. Forward mode transposes it, and needs it to be linear in
 * the cotangent.
 *
 * @throws when a value that `f` uses and that is not its argument is differentiated: pass it as an argument.
 */
export function customVjp<A extends readonly TensorTree[], Y extends TensorTree>(
  f: (...args: A) => Y,
  vjp: (args: A, cotangent: Y, value: Y) => A,
): (...args: A) => Y {
  return (...args) =>
    evaluate('customVjp', () => {
      const { leaves, structure } = flatten(args as TensorTree);
      const { value, output, closures } = tracedValue(leaves, () => f(...args));
      const rule = (seeds: readonly Tensor[]): readonly Tensor[] =>
        leavesLike('customVjp', 'cotangent', vjp(args, unflatten(output.structure, seeds) as Y, value), structure);
      return unflatten(
        output.structure,
        recordCall('customVjp', 'reverse', leaves, output.leaves, closures, rule),
      ) as Y;
    });
}

interface CustomValue<Y> {
  readonly value: Y;
  readonly output: { readonly leaves: readonly Tensor[]; readonly structure: Structure };
  readonly closures: readonly Tensor[];
}

/** What the function returns, as values that are not its arguments, and what it used besides those. */
function tracedValue<Y extends TensorTree>(args: readonly Tensor[], f: () => Y): CustomValue<Y> {
  const start = (currentTrace() as Trace).equations.length;
  const { leaves, structure } = flatten(f() as TensorTree);
  const own = ownValues(args, leaves);
  return {
    value: unflatten(structure, own) as Y,
    output: { leaves: own, structure },
    closures: closuresOf(start, args, own),
  };
}

function leavesLike(name: string, what: string, tree: TensorTree, structure: Structure): readonly Tensor[] {
  if (!hasStructure(tree, structure)) {
    throw new Error(
      `${name}: the rule returned a ${what} ${printStructure(flatten(tree).structure)} and must return ${printStructure(structure)}`,
    );
  }
  return flatten(tree).leaves;
}
