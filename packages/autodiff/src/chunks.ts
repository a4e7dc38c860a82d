import { avalOf, peakBytes, simplify, trace as traceProgram } from '@posteriors/backend';
import { flatten, leaves, map, paths, type TensorTree } from '@posteriors/tree';
import { add, concat, reshape, slice, Tensor } from '@tensorflow/tfjs-core';
import { describeLeaf } from './arguments.ts';
import { evaluate } from './evaluate.ts';
import { hooks } from './hooks.ts';
import { scan } from './scan.ts';
import { slicesOf } from './slices.ts';

/**
 * A sum over axis 0 of the tensors of `xs`, taken a chunk at a time: what is made of one chunk is gone before the next.
 *
 * `f(chunk)` gets `size` slices of each tensor, the first time maybe fewer, and returns `[sum, rows]`, trees of tensors; those of `rows` have
 * the axis 0 of the chunk. Returns the sums of all chunks added, and their rows one after the other. Leaves of `xs` that are no tensors, and
 * scalar tensors, are passed as they are.
 *
 * @param size by default so many that they add no more than 2²² numbers (16 MB) to what is held at one time, in the simplified program: of
 *   gradients of a weight with p elements, computed for each slice, these are 2²² / p copies of the weight, or the few of one slice where
 *   p is larger; all slices, where the program holds nothing so large of each. `f` is traced once or twice more to see.
 * @throws if `size` is not a whole number from 1, there is no tensor in `xs` with an axis 0, these differ in length, or rows of `f` have another
 *   length.
 */
export function sumOverChunks<X, S extends TensorTree, Y extends TensorTree>(
  f: (chunk: X) => readonly [sum: S, rows: Y],
  xs: X,
  size?: number,
): [sum: S, rows: Y] {
  if (size !== undefined && !(Number.isInteger(size) && size >= 1))
    throw new Error(`sumOverChunks: the size is ${size}, and must be a whole number of slices, 1 or more`);
  return evaluate('sumOverChunks', () => {
    const { tensors, withTensors } = slicesOf(xs);
    const count = lengthOf(tensors);
    const apply = (parts: readonly Tensor[]): readonly [S, Y] =>
      withRows(f(withTensors(parts)), parts[0]?.shape[0] as number);
    const length = size ?? slicesHeld(apply, tensors, count);
    if (count <= length) return [...withRows(f(xs), count)] as [S, Y];
    const first = count % length || length;
    const chunks = (count - first) / length;
    const part = (tensor: Tensor, begin: number, rows: number): Tensor =>
      slice(tensor, [begin, ...tensor.shape.slice(1).map(() => 0)], [rows, ...tensor.shape.slice(1)]);
    const [start, head] = apply(tensors.map((tensor) => part(tensor, 0, first)));
    const [sum, tail] = scan(
      (total: S, chunk: readonly Tensor[]): [S, Y] => {
        const [term, rows] = apply(chunk);
        return [map((a: Tensor, b: Tensor) => add(a, b), total, term as never), rows];
      },
      start,
      tensors.map((tensor) =>
        reshape(part(tensor, first, count - first), [chunks, length, ...tensor.shape.slice(1)]),
      ) as readonly Tensor[],
    );
    const joined = (a: Tensor, b: Tensor): Tensor => concat([a, reshape(b, [count - first, ...b.shape.slice(2)])]);
    return [sum, map(joined, head, tail as never)];
  });
}

/** @throws unless each leaf of the rows has an axis 0 of `length`. */
function withRows<S, Y extends TensorTree>(result: readonly [S, Y], length: number): readonly [S, Y] {
  const rows = result[1];
  flatten<unknown>(rows).leaves.forEach((leaf, i) => {
    if (leaf instanceof Tensor && leaf.shape[0] === length) return;
    throw new Error(
      `sumOverChunks: the rows of a chunk must have its axis 0, of length ${length}, and ${paths(rows)[i]} is ${describeLeaf(leaf)}; ` +
        'return what is summed first, and [] where there are no rows',
    );
  });
  return result;
}

const HELD_BYTES = 2 ** 24;

/** How many of `count` slices add at most {@link HELD_BYTES} to what the simplified program of `f` holds at one time; 1 at the least. */
function slicesHeld(f: (parts: readonly Tensor[]) => TensorTree, tensors: readonly Tensor[], count: number): number {
  const bytesOf = (length: number): number => {
    const avals = tensors.map((tensor) => ({ ...avalOf(tensor), shape: [length, ...tensor.shape.slice(1)] }));
    return peakBytes(simplify(traceProgram((symbols) => leaves(f(symbols)) as readonly Tensor[], avals, hooks)));
  };
  const all = bytesOf(count);
  // Two, where there are more: an axis of length 1 is simplified in other ways.
  const few = Math.min(2, count - 1);
  if (all <= HELD_BYTES || few < 1) return count;
  const each = (all - bytesOf(few)) / (count - few);
  return each * count <= HELD_BYTES ? count : Math.max(1, Math.floor(HELD_BYTES / each));
}

function lengthOf(tensors: readonly Tensor[]): number {
  const lengths = new Set(tensors.map(({ shape }) => shape[0]));
  const [length] = lengths;
  if (lengths.size === 1 && length !== undefined) return length;
  throw new Error(
    `sumOverChunks: the tensors must have an axis 0 of one length, and have ${tensors.length === 0 ? 'none: there is no tensor but scalars' : tensors.map(({ shape }) => `[${shape}]`).join(', ')}`,
  );
}
