/** Kernels that order, search and replace elements. Where elements are has no derivative. */

import { record } from '@posteriors/backend';
import { cast, equal, mul, range, type Tensor, zeros } from '@tensorflow/tfjs-core';
import { registerRule } from '../rule.ts';
import { ensureBatched, moveAxis, reshapeTo, zerosLike } from '../shapes.ts';
import { asRows, withExample } from './indexing.ts';

registerRule('TopKIndices', {
  derivative: 'zero',
  batch: ([x], _batched, attributes) => record('TopKIndices', [x!], attributes),
});

registerRule('SearchSorted', {
  derivative: 'zero',
  batch([sequence, values], [batchedSequence, batchedValues], attributes, size) {
    if (!batchedSequence) {
      // The values of all examples side by side, in the row that they are searched in.
      const beside = moveAxis(values!, 0, 1);
      const [rows, , count] = beside.shape as [number, number, number];
      const found = record('SearchSorted', [sequence!, reshapeTo(beside, [rows, size * count])], attributes);
      return moveAxis(reshapeTo(found, beside.shape), 1, 0);
    }
    const each = ensureBatched(values!, batchedValues as boolean, size);
    const below = (x: Tensor): Tensor => reshapeTo(x, [x.shape[0]! * x.shape[1]!, x.shape[2]!]);
    return reshapeTo(record('SearchSorted', [below(sequence!), below(each)], attributes), each.shape);
  },
});

/** 1 for each block of updates that remains, 0 for those that a later one replaces. */
function remaining(indices: Tensor, shape: readonly number[]): Tensor {
  const [count, depth] = indices.shape as [number, number];
  const own = range(0, count, 1, 'int32');
  const places = zeros(shape.slice(0, depth), 'int32');
  const last = record('GatherNd', [record('TensorScatterUpdate', [places, indices, own]), indices]);
  const blocks = [count, ...shape.slice(depth).map(() => 1)];
  return reshapeTo(cast(equal(last, own), 'float32'), blocks);
}

registerRule('TensorScatterUpdate', {
  derivative: {
    transpose(index, cotangent, [tensor, indices, updates]) {
      if (index === 1) return null;
      if (index === 0) return record('TensorScatterUpdate', [cotangent, indices!, zerosLike(updates!)]);
      return mul(record('GatherNd', [cotangent, indices!]), remaining(indices!, tensor!.shape));
    },
  },
  batch([tensor, indices, updates], [batchedTensor, batchedIndices, batchedUpdates], _attributes, size) {
    const targets = ensureBatched(tensor!, batchedTensor as boolean, size);
    const places = withExample(ensureBatched(indices!, batchedIndices as boolean, size), size);
    const blocks = ensureBatched(updates!, batchedUpdates as boolean, size);
    const rest = targets.shape.slice(places.shape[places.rank - 1] as number);
    return record('TensorScatterUpdate', [targets, ...asRows(places, blocks, rest)]);
  },
});

registerRule('BitwiseAnd', {
  derivative: 'zero',
  batch: (inputs, batched, _attributes, size) =>
    record(
      'BitwiseAnd',
      inputs.map((x, i) => ensureBatched(x, batched[i] as boolean, size)),
    ),
});
