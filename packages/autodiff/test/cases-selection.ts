// Ordering, searching, selecting and replacing, and contractions: kernels of their own and those that are made of others.
import { record } from '@posteriors/backend';
import * as tf from '@tensorflow/tfjs-core';
import { type Case, type Draw, distinct, integer, real } from './draws.ts';

type Tensor = tf.Tensor;
type Shapes = readonly (readonly number[])[];

export const selectionCases: Case[] = [];

function add(
  kernel: string,
  draws: readonly Draw[],
  f: (...inputs: Tensor[]) => Tensor,
  variants: readonly Shapes[],
  note = '',
): void {
  for (const shapes of variants) {
    const name = `${kernel}${note === '' ? '' : ` ${note}`} of ${shapes.map((shape) => `[${shape}]`).join(' and ')}`;
    selectionCases.push({ name, kernel, f, draws, shapes });
  }
}

const some = real(-2, 2);
const float = (x: Tensor): Tensor => tf.cast(x, 'float32');

add('TopKIndices', [distinct], (x) => tf.topk(x, 2).values, [[[5]], [[3, 4]], [[2, 1, 2]]]);
add('TopKIndices', [distinct], (x) => tf.topk(x, 1).values, [[[1]], [[0, 3]]], 'of one element');
add('TopKIndices', [distinct], (x) => tf.topk(x, 0).values, [[[3]]], 'of nothing');
add(
  'TopKIndices',
  [distinct],
  (x) => tf.mul(tf.topk(x, 3).values, float(tf.topk(x, 3).indices)),
  [[[2, 4]]],
  'in order',
);
for (const search of [tf.lowerBound, tf.upperBound]) {
  add(
    'SearchSorted',
    [distinct, some],
    (s, x) => tf.mul(x, tf.add(1, float(search(tf.reverse(tf.topk(s, 4).values, -1), x)))),
    [
      [[4], [5]],
      [
        [2, 4],
        [2, 1],
      ],
    ],
    search.name,
  );
  add('SearchSorted', [some, some], (s, x) => tf.mul(x, tf.add(1, float(search(s, x)))), [[[1], [1]]], search.name);
}

add(
  'SearchSorted',
  [some, some],
  (s, x) => tf.mul(x, tf.add(1, float(record('SearchSorted', [s, x], { side: 'left' })))),
  [
    [
      [2, 4],
      [2, 0],
    ],
  ],
  'of nothing',
);

// The indices of a permutation, so that no place is named twice; of those named twice the last is checked by itself.
const places: Draw = { dtype: 'int32', element: (_uniform, index, size) => (index * 2) % (size + 1) };
add('TensorScatterUpdate', [some, places, some], tf.tensorScatterUpdate, [
  [[7], [3, 1], [3]],
  [
    [5, 2],
    [2, 1],
    [2, 2],
  ],
  [[1], [1, 1], [1]],
]);
add(
  'TensorScatterUpdate',
  [some, integer(0, 2), some],
  tf.tensorScatterUpdate,
  [
    [[2, 2], [5, 2], [5]],
    [
      [2, 3],
      [3, 1],
      [3, 3],
    ],
    [[3], [0, 1], [0]],
  ],
  'at the same places',
);
add(
  'TensorScatterUpdate',
  [places, some, some],
  (i, values, other) => tf.sparseToDense(i, values, [7], tf.sum(other)),
  [
    [[3, 1], [3], []],
    [[3], [], [2]],
  ],
  'in sparseToDense',
);

const gatherRows =
  (axis: number, batchDims: number) =>
  (x: Tensor, i: Tensor): Tensor =>
    tf.gather(x, i as tf.Tensor1D, axis, batchDims);
add(
  'GatherV2',
  [some, integer(0, 3)],
  gatherRows(1, 1),
  [
    [
      [2, 3],
      [2, 4],
    ],
    [[2, 3, 2], [2]],
    [
      [1, 3],
      [1, 2, 2],
    ],
  ],
  'in rows',
);
add(
  'GatherV2',
  [some, integer(0, 2)],
  gatherRows(3, 1),
  [
    [
      [2, 3, 1, 2, 2],
      [2, 3],
    ],
  ],
  'of a later axis in rows',
);

add(
  'IndicesWithin',
  [some, integer(0, 3)],
  gatherRows(1, 1),
  [
    [
      [3, 3],
      [3, 1],
    ],
    [
      [1, 3],
      [1, 1],
    ],
    [
      [2, 3],
      [2, 0],
    ],
  ],
  'in gather in rows',
);

add('PadV2', [some], (x) => tf.diag(x), [[[3]], [[1]], [[2, 2]]], 'in diag');
add('Select', [some], (x) => tf.linalg.bandPart(x, 1, 0), [[[3, 4]], [[2, 3, 3]]], 'in bandPart');
add(
  'ScatterNd',
  [integer(0, 4), some],
  (x, w) => tf.bincount(x as tf.Tensor1D, w as tf.Tensor1D, 3),
  [
    [[5], [5]],
    [[1], [1]],
  ],
  'in bincount',
);
add(
  'ScatterNd',
  [integer(-1, 4), some],
  (x, w) => tf.denseBincount(x as tf.Tensor2D, w as tf.Tensor2D, 3),
  [
    [
      [2, 3],
      [2, 3],
    ],
  ],
  'in denseBincount',
);
const segments = (sum: typeof tf.sparse.sparseSegmentSum) => (data: Tensor, i: Tensor) =>
  sum(data as tf.Tensor1D, i as tf.Tensor1D, [0, 0, 2, 2, 2]);
add('ScatterNd', [some, integer(0, 3)], segments(tf.sparse.sparseSegmentSum), [[[3, 2], [5]]], 'in sparseSegmentSum');
add('ScatterNd', [some, integer(0, 3)], segments(tf.sparse.sparseSegmentMean), [[[3], [5]]], 'in sparseSegmentMean');
add('BitwiseAnd', [integer(-9, 9), integer(-9, 9), some], (a, b, x) => tf.mul(x, float(tf.bitwiseAnd(a, b))), [
  [[3], [3], [3]],
  [[], [], []],
  [
    [2, 0],
    [2, 0],
    [2, 0],
  ],
]);

const contraction =
  (equation: string) =>
  (...tensors: Tensor[]): Tensor =>
    tf.einsum(equation, ...tensors);
const two = [some, some];
add(
  'BatchMatMul',
  two,
  contraction('bij,bkj->kbi'),
  [
    [
      [2, 3, 2],
      [2, 2, 2],
    ],
    [
      [1, 1, 1],
      [1, 1, 1],
    ],
    [
      [2, 3, 0],
      [2, 1, 0],
    ],
  ],
  'in einsum',
);
add(
  'BatchMatMul',
  [some, some, some],
  contraction('ij,jk,kl->li'),
  [
    [
      [2, 3],
      [3, 1],
      [1, 2],
    ],
  ],
  'in einsum of three',
);
add('BatchMatMul', two, contraction('i,i->'), [[[3], [3]]], 'in einsum of vectors');
add('Multiply', two, contraction('i,j->ji'), [[[2], [3]]], 'in einsum');
add('Sum', [some], contraction('ijk->ki'), [[[2, 3, 2]]], 'in einsum');
