import { flatten, map, type TensorTree, unflatten } from '@posteriors/tree';
import { add, concat, reshape, slice, Tensor } from '@tensorflow/tfjs-core';
import { evaluate } from './evaluate.ts';
import { scan } from './scan.ts';

/**
 * A sum over axis 0 of the tensors of `xs`, taken a chunk at a time: what is made of one chunk is gone before the next.
 *
 * `f(chunk)` gets `size` slices of each tensor, the first time maybe fewer, and returns `[sum, rows]`, trees of tensors; those of `rows` have
 * the axis 0 of the chunk. Returns the sums of all chunks added, and their rows one after the other. Leaves of `xs` that are no tensors are
 * passed as they are.
 *
 * @throws if there is no tensor in `xs`, or their axes 0 differ in length.
 */
export function sumOverChunks<X, S extends TensorTree, Y extends TensorTree>(
  f: (chunk: X) => readonly [sum: S, rows: Y],
  xs: X,
  size: number,
): [sum: S, rows: Y] {
  return evaluate('sumOverChunks', () => {
    const { leaves, structure } = flatten<unknown>(xs);
    const tensors = leaves.filter((leaf): leaf is Tensor => leaf instanceof Tensor);
    const count = lengthOf(tensors);
    if (count <= size) return [...f(xs)] as [S, Y];
    const first = count % size || size;
    const chunks = (count - first) / size;
    const apply = (parts: readonly Tensor[]): readonly [S, Y] => {
      let next = 0;
      return f(
        unflatten(
          structure,
          leaves.map((leaf) => (leaf instanceof Tensor ? parts[next++] : leaf)),
        ) as X,
      );
    };
    const part = (tensor: Tensor, begin: number, length: number): Tensor =>
      slice(tensor, [begin, ...tensor.shape.slice(1).map(() => 0)], [length, ...tensor.shape.slice(1)]);
    const [start, head] = apply(tensors.map((tensor) => part(tensor, 0, first)));
    const [sum, tail] = scan(
      (total: S, chunk: readonly Tensor[]): [S, Y] => {
        const [term, rows] = apply(chunk);
        return [map((a: Tensor, b: Tensor) => add(a, b), total, term as never), rows];
      },
      start,
      tensors.map((tensor) =>
        reshape(part(tensor, first, count - first), [chunks, size, ...tensor.shape.slice(1)]),
      ) as readonly Tensor[],
    );
    const joined = (a: Tensor, b: Tensor): Tensor => concat([a, reshape(b, [count - first, ...b.shape.slice(2)])]);
    return [sum, map(joined, head, tail as never)];
  });
}

function lengthOf(tensors: readonly Tensor[]): number {
  const lengths = new Set(tensors.map(({ shape }) => shape[0] ?? 'none'));
  const [length] = lengths;
  if (lengths.size === 1 && typeof length === 'number') return length;
  throw new Error(
    `sumOverChunks: the tensors must have an axis 0 of one length, and have ${tensors.length === 0 ? 'none: there is no tensor' : tensors.map(({ shape }) => `[${shape}]`).join(', ')}`,
  );
}
