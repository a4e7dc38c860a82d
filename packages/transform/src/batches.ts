/** The batches of a loop: what is the same in all of them, and what each iteration has a slice of. */
import { printAval } from '@posteriors/backend';
import { keyTensor } from '@posteriors/random';
import { flatten, leavesLike, mapWithPath, paths, unflatten } from '@posteriors/tree';
import { stack, Tensor, tensor1d, tidy } from '@tensorflow/tfjs-core';
import { named } from './named.ts';
import { disposeTensors } from './state.ts';

/** Batches as one tree. */
export interface StackedBatches<B> {
  /** A batch, in which the leaves that are `sliced` are tensors with an axis in front, one slice for each batch. */
  readonly batch: B;
  /** For each leaf of a batch whether it is a slice. */
  readonly sliced: readonly boolean[];
  /** Frees what was made for it. */
  dispose(): void;
}

/** The same batch for all iterations. */
export function sameBatch<B>(batch: B): StackedBatches<B> {
  return { batch, sliced: flatten<unknown>(batch).leaves.map(() => false), dispose() {} };
}

/**
 * Puts batches together. A leaf that is the same tensor, number or key in all of them stays as it is, others are stacked on the device.
 *
 * @throws if there are none, or they differ in structure, in a shape or a dtype, or in what is part of a program, such as strings.
 */
export function stackBatches<B>(batches: readonly B[]): StackedBatches<B> {
  if (batches.length === 0) throw new Error('there are no batches; give one for each update');
  const first = flatten<unknown>(batches[0]);
  const rows = Array.from(batches, (batch, i) => {
    const leaves = leavesLike(first.structure, batch);
    if (leaves !== null) return leaves;
    return named(`batches 0 and ${i}`, () => mapWithPath(() => null, batches[0] as unknown, batch)) as never;
  });
  const kinds = first.leaves.map(kindOf);
  for (const [i, row] of rows.entries()) {
    const wrong = row.findIndex((leaf, k) => kindOf(leaf) !== kinds[k]);
    if (wrong < 0) continue;
    const [path, is, was] = [paths(batches[0])[wrong], kindOf(row[wrong]), kinds[wrong]];
    throw new Error(
      `${path} of batch 0 is ${was} and of batch ${i} is ${is}; batches of one call must be alike: pad them to one shape, or leave the last one out`,
    );
  }
  const sliced = first.leaves.map((leaf, k) => isSliced(leaf) && rows.some((row) => !Object.is(row[k], leaf)));
  const stacked = tidy(() =>
    first.leaves.flatMap((_, k) => (sliced[k] ? [stackLeaves(rows.map((row) => row[k]))] : [])),
  );
  const rest = stacked.values();
  const leaves = first.leaves.map((leaf, k) => (sliced[k] ? rest.next().value : leaf));
  return {
    batch: unflatten<unknown, unknown>(first.structure, leaves) as B,
    sliced,
    dispose: () => disposeTensors(stacked),
  };
}

/** Whether what is another leaf in each batch can be a slice of a tensor. */
function isSliced(leaf: unknown): boolean {
  return leaf instanceof Tensor || leaf instanceof Uint32Array || typeof leaf === 'number';
}

/** What all batches must have in common at a leaf. */
function kindOf(leaf: unknown): string {
  if (leaf instanceof Tensor) return `${leaf.isDisposed ? 'a disposed tensor ' : ''}${printAval(leaf as never)}`;
  if (leaf instanceof Uint32Array) return `a key of ${leaf.length} words`;
  if (typeof leaf === 'number') return 'a number';
  if (typeof leaf === 'object') return `a ${leaf?.constructor.name}`;
  return `${typeof leaf === 'string' ? `"${leaf}"` : String(leaf)}, which is part of the program`;
}

/** One tensor of leaves of one kind, with an axis in front. */
function stackLeaves(leaves: readonly unknown[]): Tensor {
  if (typeof leaves[0] === 'number') return tensor1d(leaves as number[]);
  return stack(leaves.map((leaf) => (leaf instanceof Tensor ? leaf : keyTensor(leaf as Uint32Array))));
}
