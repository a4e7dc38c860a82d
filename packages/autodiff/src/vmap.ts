import { avalOf, printAval, trace as traceProgram } from '@posteriors/backend';
import { flatten, paths, type Structure, unflatten } from '@posteriors/tree';
import { Tensor } from '@tensorflow/tfjs-core';
import { requireReal } from './arguments.ts';
import { checkOptions } from './check-options.ts';
import { evaluate, refusePromise } from './evaluate.ts';
import { hooks } from './hooks.ts';
import { inlineBatched } from './inline.ts';
import { isNumber } from './number.ts';
import { ensureBatched, moveAxis } from './shapes.ts';

/** The axis that is mapped over; null maps nothing. */
export type Axis = number | null;

export interface VmapOptions {
  /** Axis of all arguments, or of each argument; every tensor in an argument has it. Default 0. */
  readonly inAxes?: Axis | readonly Axis[];
  /** Where the mapped axis goes in each tensor returned. Default 0. */
  readonly outAxes?: number;
}

/**
 * Maps a function of single examples over an axis of its arguments: written for one, run for all at once.
 *
 * Each tensor of an argument loses its mapped axis on the way in; each tensor returned gains one. Leaves that are no tensors (numbers,
 * strings, keys) are passed as they are.
 *
 * @throws if mapped axes differ in length, none is mapped, or a kernel used has no rule.
 */
export function vmap<A extends readonly unknown[], Y>(
  f: (...args: A) => Y,
  options: VmapOptions = {},
): (...args: A) => Y {
  const { inAxes = 0, outAxes = 0 } = checkOptions('vmap', options, ['inAxes', 'outAxes']);
  return (...args) =>
    evaluate('vmap', () => {
      if (Array.isArray(inAxes) && inAxes.length !== args.length) {
        throw new Error(`vmap: inAxes has ${inAxes.length} entries for ${args.length} arguments; give one each`);
      }
      const { leaves, structure } = flatten<unknown>(args);
      leaves.forEach((leaf, i) => {
        if (leaf instanceof Tensor && leaf.isDisposed) {
          throw new Error(`vmap: the argument ${paths(args)[i]} is a disposed tensor ${printAval(leaf as never)}`);
        }
      });
      requireReal('vmap', 'the argument', leaves, (i) => paths(args)[i] as string);
      const axes = args.flatMap((argument, i) => {
        const axis = (Array.isArray(inAxes) ? inAxes[i] : inAxes) as Axis;
        return flatten<unknown>(argument).leaves.map((leaf) => (isMapped(leaf) ? axis : null));
      });
      const size = mappedSize(args, leaves, axes);
      const operands = leaves.flatMap((leaf, i) => {
        if (!isMapped(leaf)) return [];
        const axis = axes[i] as Axis;
        return [
          axis === null
            ? { tensor: leaf, batched: false }
            : { tensor: moveAxis(leaf, absolute(axis, leaf.rank), 0), batched: true },
        ];
      });

      let results: unknown[] = [];
      let output: Structure | undefined;
      const program = traceProgram(
        (symbols) => {
          let next = 0;
          const examples = unflatten(
            structure,
            leaves.map((leaf) => (isMapped(leaf) ? symbols[next++] : leaf)),
          );
          const value = refusePromise('vmap', f(...(examples as unknown as A)));
          const flat = flatten<unknown>(value);
          results = [...flat.leaves];
          requireReal('vmap', 'the result', results, (i) => paths(value)[i] as string);
          output = flat.structure;
          return results.filter((leaf) => leaf instanceof Tensor) as Tensor[];
        },
        operands.map(({ tensor, batched }) => {
          const { shape, dtype } = avalOf(tensor);
          return { shape: batched ? shape.slice(1) : shape, dtype };
        }),
        hooks,
      );
      const outputs = inlineBatched(program, operands, size).map(({ tensor, batched }) => {
        const whole = ensureBatched(tensor, batched, size);
        return moveAxis(whole, 0, absolute(outAxes, whole.rank));
      });
      let next = 0;
      return unflatten(
        output as Structure,
        results.map((leaf) => (leaf instanceof Tensor ? outputs[next++] : leaf)),
      ) as Y;
    });
}

/** Numbers are passed as they are, in a compiled function too, where they are scalars. */
function isMapped(leaf: unknown): leaf is Tensor {
  return leaf instanceof Tensor && !isNumber(leaf);
}

function absolute(axis: number, rank: number): number {
  const result = axis < 0 ? axis + rank : axis;
  if (!(result >= 0 && result < rank)) throw new Error(`vmap: axis ${axis} is outside of a tensor of rank ${rank}`);
  return result;
}

function mappedSize(args: unknown, leaves: readonly unknown[], axes: readonly Axis[]): number {
  let first: { index: number; size: number } | undefined;
  leaves.forEach((leaf, i) => {
    const axis = axes[i];
    if (axis === null || axis === undefined) return;
    const { shape, rank } = leaf as Tensor;
    const size = shape[absolute(axis, rank)] as number;
    first ??= { index: i, size };
    if (size !== first.size) {
      const names = paths(args);
      throw new Error(
        `vmap: the mapped axes differ in length: ${names[first.index]} has ${first.size} and ${names[i]} has ${size} (shape [${shape}], axis ${axis})`,
      );
    }
  });
  if (first === undefined)
    throw new Error('vmap: no argument has a mapped axis; give inAxes, or call the function itself');
  return first.size;
}
