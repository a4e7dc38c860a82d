/** Gathering and scattering. Indices have no derivative. */

import { record, sizeOf } from '@posteriors/backend';
import { concat, gather, range, reshape, type Tensor, type Tensor1D } from '@tensorflow/tfjs-core';
import { registerRule } from '../rule.ts';
import { broadcastTo, ensureBatched, moveAxis, reshapeTo } from '../shapes.ts';

registerRule('GatherV2', {
  derivative: {
    transpose(index, cotangent, [x, indices], attributes) {
      if (index !== 0) return null;
      const axis = attributes['axis'] as number;
      const before = x!.shape.slice(0, axis);
      const after = x!.shape.slice(axis + 1);
      const count = indices!.size;
      // [before, indices, after] -> [count, before, after], added at its places along a leading axis, which moves back.
      const updates = moveAxis(reshapeTo(cotangent, [...before, count, ...after]), axis, 0);
      const shape = [x!.shape[axis] as number, ...before, ...after];
      const within = record('IndicesWithin', [indices!], { kernel: 'GatherV2', length: x!.shape[axis] as number });
      const sums = record('ScatterNd', [reshapeTo(within, [count, 1]), updates], { shape });
      return moveAxis(sums, 0, axis);
    },
  },
  batch([x, indices], [batchedX, batchedIndices], attributes) {
    const axis = attributes['axis'] as number;
    if (!batchedIndices) return record('GatherV2', [x!, indices!], { axis: axis + 1 });
    if (!batchedX) return moveAxis(record('GatherV2', [x!, indices!], { axis }), axis, 0);
    return gather(x!, indices as Tensor1D, axis + 1, 1);
  },
});

registerRule('IndicesWithin', {
  derivative: 'zero',
  batch: ([indices], _batched, attributes) => record('IndicesWithin', [indices!], attributes),
});

/** `[count, depth]` indices and the updates that belong to them, whatever shape they came in. */
export function asRows(indices: Tensor, updates: Tensor, rest: readonly number[]): [Tensor, Tensor] {
  const depth = indices.shape[indices.rank - 1] as number;
  const count = sizeOf(indices.shape.slice(0, -1));
  return [reshapeTo(indices, [count, depth]), reshapeTo(updates, [count, ...rest])];
}

/** Indices into `x` with the number of the example in front. */
export function withExample(indices: Tensor, size: number): Tensor {
  const examples = reshape(range(0, size, 1, 'int32'), [size, ...indices.shape.slice(1).map(() => 1)]);
  return concat([broadcastTo(examples, [...indices.shape.slice(0, -1), 1]), indices], indices.rank - 1);
}

registerRule('GatherNd', {
  derivative: {
    transpose(index, cotangent, [x, indices]) {
      if (index !== 0) return null;
      const depth = indices!.shape[indices!.rank - 1] as number;
      return record('ScatterNd', asRows(indices!, cotangent, x!.shape.slice(depth)), { shape: x!.shape });
    },
  },
  batch([x, indices], [batchedX, batchedIndices], _attributes, size) {
    if (!batchedX) return record('GatherNd', [x!, indices!]);
    return record('GatherNd', [x!, withExample(ensureBatched(indices!, batchedIndices as boolean, size), size)]);
  },
});

registerRule('ScatterNd', {
  derivative: {
    transpose: (index, cotangent, [indices, updates]) =>
      index === 1 ? reshapeTo(record('GatherNd', [cotangent, indices!]), updates!.shape) : null,
  },
  batch([indices, updates], [batchedIndices, batchedUpdates], attributes, size) {
    const all = withExample(ensureBatched(indices!, batchedIndices as boolean, size), size);
    const shape = [size, ...(attributes['shape'] as readonly number[])];
    const depth = all.shape[all.rank - 1] as number;
    const rows = asRows(all, ensureBatched(updates!, batchedUpdates as boolean, size), shape.slice(depth));
    return record('ScatterNd', rows, { shape });
  },
});
