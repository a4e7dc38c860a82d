import { avalOf, printAval, sameShape, trace as traceProgram } from '@posteriors/backend';
import {
  flatten,
  hasStructure,
  paths,
  printStructure,
  type Structure,
  type TensorTree,
  unflatten,
} from '@posteriors/tree';
import type { Tensor } from '@tensorflow/tfjs-core';
import { describeLeaf, tensorLeaves } from './arguments.ts';
import { checkOptions } from './check-options.ts';
import { evaluate, refusePromise } from './evaluate.ts';
import { hooks } from './hooks.ts';
import { recordScan } from './scan-equation.ts';

export interface ScanOptions {
  /** The number of iterations; needed where `xs` has no tensors. */
  readonly length?: number;
  /** Whether to go from the last slice to the first. Default false. */
  readonly reverse?: boolean;
}

/**
 * A loop as one equation: `f(carry, x)` returns `[carry, y]` and is traced once, however often it runs.
 *
 * `carry` is a tree of tensors that keeps its structure, shapes and dtypes; `x` is a slice along axis 0 of the tensors of `xs`, a tree or
 * null. Returns the last carry and the `y`s stacked along a new axis 0, each at the place of its `x`, also in reverse. Equal to the loop
 * written out in values and derivatives of any order, forward, reverse and batched. Reverse mode keeps what the derivative of each
 * iteration needs; {@link checkpoint} on `f` keeps the carry and `x` alone.
 *
 * @throws if the carry changes its structure, a shape or a dtype, or the tensors of `xs` differ in length.
 */
export function scan<C extends TensorTree, X extends TensorTree, Y extends TensorTree>(
  f: (carry: C, x: X) => readonly [carry: C, y: Y],
  init: C,
  xs: X,
  options: ScanOptions = {},
): [carry: C, ys: Y] {
  const { length, reverse = false } = checkOptions('scan', options, ['length', 'reverse']);
  return evaluate('scan', () => {
    const start = tensorLeaves('scan', 'the carry', init);
    const slices = tensorLeaves('scan', 'the tensor of xs', xs);
    const count = iterations(xs, slices.leaves, length);
    let output: Structure | undefined;
    const body = traceProgram(
      (symbols) => {
        const carry = unflatten(start.structure, symbols.slice(0, start.leaves.length)) as C;
        const x = unflatten(slices.structure, symbols.slice(start.leaves.length)) as X;
        const result: unknown = refusePromise('scan', f(carry, x));
        if (!Array.isArray(result) || result.length !== 2) {
          const got = Array.isArray(result) ? `an array of ${result.length}` : describeLeaf(result);
          throw new Error(`scan: the function must return [carry, y] ([] where there is no y), and returned ${got}`);
        }
        const y = tensorLeaves('scan', 'the result y', result[1]);
        output = y.structure;
        return [...sameCarry(result[0], start), ...y.leaves];
      },
      [
        ...start.leaves.map(avalOf),
        ...slices.leaves.map(avalOf).map(({ shape, dtype }) => ({ shape: shape.slice(1), dtype })),
      ],
      hooks,
    );
    const results = recordScan({
      body,
      length: count,
      reverse,
      constants: [],
      carry: start.leaves,
      xs: slices.leaves,
    });
    return [
      unflatten(start.structure, results.slice(0, start.leaves.length)) as C,
      unflatten(output as Structure, results.slice(start.leaves.length)) as Y,
    ];
  });
}

function iterations(xs: unknown, leaves: readonly Tensor[], length: number | undefined): number {
  if (length !== undefined && !(Number.isInteger(length) && length >= 0)) {
    throw new Error(`scan: length is ${length} and must be a whole number from 0`);
  }
  leaves.forEach(({ shape }, i) => {
    const first = leaves[0] as Tensor;
    const expected = length ?? first.shape[0];
    if (shape.length > 0 && shape[0] === expected) return;
    const names = paths(xs);
    const other = length === undefined ? `${names[0]} has shape [${first.shape}]` : `length is ${length}`;
    throw new Error(
      `scan: ${names[i]} of xs has shape [${shape}] and ${other}; axis 0 must have the length of the loop`,
    );
  });
  const count = length ?? leaves[0]?.shape[0];
  if (count === undefined) throw new Error('scan: xs has no tensors; give the number of iterations as length');
  return count;
}

/** The leaves of the carry that an iteration returned. */
function sameCarry(
  carry: unknown,
  start: { readonly leaves: readonly Tensor[]; readonly structure: Structure },
): readonly Tensor[] {
  if (!hasStructure(carry, start.structure)) {
    throw new Error(
      `scan: the carry has structure ${printStructure(start.structure)} and came back as ${printStructure(flatten(carry).structure)}; an iteration must keep it`,
    );
  }
  const { leaves } = tensorLeaves('scan', 'the carry', carry);
  leaves.forEach((leaf, i) => {
    const [before, after] = [avalOf(start.leaves[i] as Tensor), avalOf(leaf)];
    if (before.dtype === after.dtype && sameShape(before.shape, after.shape)) return;
    throw new Error(
      `scan: the carry ${paths(carry)[i]} is ${printAval(before)} and came back as ${printAval(after)}; an iteration must keep it`,
    );
  });
  return leaves;
}
