// Kernels that move, reduce, pool and multiply, for the devices.
import { kernelSpec, sizeOf } from '@posteriors/backend';
import { add, type Operand, shapes } from './device-cases.ts';
import { convolutionCases } from './device-cases-convolution.ts';

for (const dtype of ['float32', 'int32', 'bool'] as const) {
  for (const shape of shapes) {
    add('Select', [
      { shape, dtype: 'bool' },
      { shape, dtype },
      { shape, dtype },
    ]);
    const reversed = [...shape.keys()].reverse();
    add('Transpose', [{ shape, dtype }], { perm: reversed });
    add('Reshape', [{ shape, dtype }], { shape: [sizeOf(shape), 1] });
    for (const axes of new Set([[0], reversed.slice().sort(), []])) {
      if (axes.every((axis) => axis < shape.length)) add('Reverse', [{ shape, dtype }], { dims: axes });
    }
    add('Slice', [{ shape, dtype }], {
      begin: shape.map((n) => Math.min(1, Math.max(n - 1, 0))),
      size: shape.map((n) => Math.max(n - 1, Math.min(n, 1))),
    });
    if (shape.length > 0) add('Slice', [{ shape, dtype }], { begin: shape.map(() => 0), size: shape.map(() => 0) });
    add('PadV2', [{ shape, dtype }], { paddings: shape.map((_, i) => [i, 2]), constantValue: 1 });
  }
  add('Transpose', [{ shape: [2, 3, 4, 5], dtype }], { perm: [2, 0, 3, 1] });
  const targets = [
    [[], [3, 5]],
    [[5], [3, 5]],
    [
      [3, 1],
      [3, 5],
    ],
    [
      [2, 1, 3],
      [4, 2, 5, 3],
    ],
    [[1], [1]],
    [
      [3, 5],
      [3, 5],
    ],
    [[1], [0]],
    [[], [0, 3]],
    [
      [3, 0],
      [2, 3, 0],
    ],
  ];
  for (const [from, to] of targets) add('BroadcastTo', [{ shape: from!, dtype }], { shape: to! });
  add(
    'Concat',
    [
      { shape: [3, 2], dtype },
      { shape: [3, 1], dtype },
      { shape: [3, 4], dtype },
    ],
    { axis: 1 },
  );
  add(
    'Concat',
    [
      { shape: [2, 3], dtype },
      { shape: [1, 3], dtype },
    ],
    { axis: 0 },
  );
  add(
    'Concat',
    [
      { shape: [3, 0], dtype },
      { shape: [3, 2], dtype },
    ],
    { axis: 1 },
  );
  add(
    'Concat',
    [
      { shape: [0, 3], dtype },
      { shape: [0, 3], dtype },
    ],
    { axis: 0 },
  );
  const index = (shape: readonly number[], max: number): Operand => ({ shape, dtype: 'int32', range: [0, max] });
  add('GatherV2', [{ shape: [4, 3], dtype }, index([5], 3)], { axis: 0 });
  add('GatherV2', [{ shape: [4, 3], dtype }, index([2, 5], 2)], { axis: 1 });
  add('GatherV2', [{ shape: [2, 4, 3], dtype }, index([], 3)], { axis: 1 });
  add('GatherV2', [{ shape: [4, 3], dtype }, index([0], 3)], { axis: 0 });
  add('GatherV2', [{ shape: [4, 0], dtype }, index([2], 3)], { axis: 0 });
  add('GatherNd', [{ shape: [4, 3], dtype }, index([5, 1], 3)]);
  add('GatherNd', [{ shape: [4, 3], dtype }, index([2, 5, 2], 2)]);
  add('GatherNd', [{ shape: [4, 3], dtype }, index([0, 2], 2)]);
}
for (const shape of [[5], [2, 3], [0]]) {
  add('IndicesWithin', [{ shape, dtype: 'int32', range: [0, 3] }], { kernel: 'GatherV2', length: 4, outside: -4 });
}
for (const dtype of ['float32', 'int32'] as const) {
  const index = (shape: readonly number[], max: number): Operand => ({ shape, dtype: 'int32', range: [0, max] });
  add('ScatterNd', [index([6, 1], 3), { shape: [6, 3], dtype }], { shape: [4, 3] });
  add('ScatterNd', [index([2, 5, 2], 2), { shape: [2, 5], dtype }], { shape: [4, 3] });
  add('ScatterNd', [index([1, 1], 0), { shape: [1], dtype }], { shape: [1] });
  add('ScatterNd', [index([0, 1], 0), { shape: [0, 3], dtype }], { shape: [4, 3] });
}

for (const dtype of ['float32', 'int32'] as const) {
  const range: [number, number] = dtype === 'int32' ? [-4, 4] : [-3, 3];
  for (const [shape, k] of [
    [[7], 3],
    [[7], 7],
    [[3, 5], 4],
    [[2, 3, 5], 1],
    [[1], 1],
    [[4, 1], 1],
    [[3, 5], 0],
    [[0, 3], 2],
    [[2, 700], 600],
  ] as const) {
    add('TopKIndices', [{ shape, dtype, range }], { k });
  }
  add('TopKIndices', [{ shape: [6], dtype, values: [1, 3, 0, 3, 0, 3] }], { k: 5 });
  for (const side of ['left', 'right']) {
    const row = [-2, -2, 0, 1, 1, 2];
    add(
      'SearchSorted',
      [
        { shape: [1, 6], dtype, values: row },
        { shape: [1, 7], dtype, range },
      ],
      { side },
    );
    add(
      'SearchSorted',
      [
        { shape: [2, 6], dtype, values: [...row, ...row.map((x) => x + 1)] },
        { shape: [2, 5], dtype, range },
      ],
      { side },
    );
    add(
      'SearchSorted',
      [
        { shape: [1, 1], dtype, values: [0] },
        { shape: [1, 1], dtype, values: [0] },
      ],
      { side },
    );
    add(
      'SearchSorted',
      [
        { shape: [2, 0], dtype },
        { shape: [2, 3], dtype },
      ],
      { side },
    );
    add(
      'SearchSorted',
      [
        { shape: [2, 3], dtype, values: [0, 1, 2, 0, 1, 2] },
        { shape: [2, 0], dtype },
      ],
      { side },
    );
  }
  add('BitwiseAnd', [
    { shape: [3, 5], dtype: 'int32', range: [-99, 99] },
    { shape: [3, 5], dtype: 'int32', range: [-99, 99] },
  ]);
}
for (const dtype of ['float32', 'int32', 'bool'] as const) {
  const index = (shape: readonly number[], max: number): Operand => ({ shape, dtype: 'int32', range: [0, max] });
  const replace = (shape: readonly number[], indices: Operand, updates: readonly number[]): void =>
    add('TensorScatterUpdate', [{ shape, dtype }, indices, { shape: updates, dtype }]);
  replace([4, 3], index([2, 1], 3), [2, 3]);
  replace([4, 3], index([9, 2], 2), [9]);
  replace([1], index([1, 1], 0), [1]);
  replace([4, 3], index([0, 1], 0), [0, 3]);
}

const reduced: readonly (readonly [shape: readonly number[], axis: readonly number[]])[] = [
  [[7], [0]],
  [[3, 5], [0]],
  [[3, 5], [1]],
  [
    [3, 5],
    [0, 1],
  ],
  [
    [2, 3, 5],
    [0, 2],
  ],
  [[2, 3, 5], [1]],
  [[1], [0]],
  [[3, 1], [1]],
  [[0], [0]],
  [[3, 0], [1]],
  [[3, 0], [0]],
  [[0, 3], [0]],
  [
    [2, 0, 3],
    [1, 2],
  ],
];
for (const [shape, axis] of reduced) {
  for (const kernel of ['Sum', 'Prod', 'Max', 'Min']) {
    add(kernel, [{ shape, range: [-2, 2] }], { axis });
    const over = axis.reduce((size, i) => size * shape[i]!, 1);
    // The maximum of no int32 has no value.
    if (over > 0 || kernel === 'Sum' || kernel === 'Prod')
      add(kernel, [{ shape, dtype: 'int32', range: [-4, 4] }], { axis });
  }
  for (const kernel of ['All', 'Any']) add(kernel, [{ shape, dtype: 'bool' }], { axis });
}
add('Sum', [{ shape: [700], range: [0, 1] }], { axis: [0] });
for (const dtype of ['float32', 'int32'] as const) {
  for (const kernel of ['ArgMax', 'ArgMin']) {
    add(kernel, [{ shape: [7], dtype }], { axis: 0 });
    add(kernel, [{ shape: [3, 5], dtype }], { axis: 0 });
    add(kernel, [{ shape: [3, 5], dtype }], { axis: 1 });
    add(kernel, [{ shape: [2, 3, 5], dtype }], { axis: 1 });
    add(kernel, [{ shape: [0, 3], dtype }], { axis: 1 });
    add(kernel, [{ shape: [6], dtype, values: [1, 3, 0, 3, 0, 2] }], { axis: 0 });
  }
  for (const kernel of ['Cumsum', 'Cumprod']) {
    for (const exclusive of [false, true]) {
      for (const reverse of [false, true]) {
        for (const [shape, axis] of [
          [[7], 0],
          [[3, 5], 0],
          [[3, 5], 1],
          [[2, 3, 5], 1],
          [[1], 0],
          [[0], 0],
          [[3, 0], 0],
        ] as const) {
          add(kernel, [{ shape, dtype }], { axis, exclusive, reverse });
        }
      }
    }
  }
}
for (const shape of [[7], [3, 5], [2, 3, 5], [1], [3, 1], [0, 3], [3, 0]]) add('Softmax', [{ shape }]);
add('Softmax', [{ shape: [2, 3], values: [1000, 999, -1000, Number.NEGATIVE_INFINITY, 0, 0] }]);
for (const [shape, filterSize, strides, padding] of [
  [
    [2, 5, 4, 3],
    [2, 2],
    [2, 2],
    [
      [0, 0],
      [0, 0],
    ],
  ],
  [
    [1, 5, 4, 3],
    [3, 2],
    [1, 2],
    [
      [1, 1],
      [0, 1],
    ],
  ],
  [
    [1, 3, 3, 1],
    [2, 3],
    [1, 1],
    [
      [1, 0],
      [2, 2],
    ],
  ],
  [
    [3, 2, 7, 2],
    [1, 3],
    [1, 2],
    [
      [0, 0],
      [1, 1],
    ],
  ],
  [
    [1, 2, 2, 1],
    [2, 2],
    [1, 1],
    [
      [0, 0],
      [0, 0],
    ],
  ],
  [
    [0, 3, 3, 2],
    [2, 2],
    [1, 1],
    [
      [0, 0],
      [0, 0],
    ],
  ],
] as const) {
  const pool = { filterSize, strides, padding };
  // Maxima that are all negative, too.
  for (const range of [
    [-3, 3],
    [-3, -1],
  ] as const) {
    add('MaxPool', [{ shape, range }], pool);
    add('MaxPoolArgmax', [{ shape, range }], pool);
  }
  add('AvgPool', [{ shape }], pool);
  const pooled = kernelSpec('AvgPool')!.shape([{ shape, dtype: 'float32' }], pool).shape;
  add('AvgPoolTranspose', [{ shape: pooled }], { ...pool, size: shape.slice(1, 3) });
}
for (const [shape, count] of [
  [[3, 2, 4], [5]],
  [
    [1, 1],
    [2, 3],
  ],
  [[2, 7], []],
  [[0, 3], [2]],
] as const) {
  const places: Operand = {
    shape: [shape[0], ...count],
    dtype: 'int32',
    range: [0, sizeOf(shape.slice(1)) - 1],
  };
  add('GatherEach', [{ shape }, places]);
  add('ScatterEach', [{ shape: places.shape }, places], { shape: shape.slice(1) });
}
add('MaxPoolArgmax', [{ shape: [1, 3, 3, 1], values: [0, 2, 2, 2, 2, 1, 1, 1, 1] }], {
  filterSize: [2, 2],
  strides: [1, 1],
  padding: [
    [1, 0],
    [0, 1],
  ],
});
for (const shape of [
  [2, 1],
  [2, 8],
  [3, 2, 2],
  [2, 3, 2, 15],
  [2, 97],
  [4, 2, 128],
  [2, 331],
  [2, 0],
  [0, 2, 3],
]) {
  for (const sign of [-1, 1]) add('FourierTransform', [{ shape }], { sign });
}
const products: readonly (readonly [batch: readonly number[], n: number, m: number, k: number])[] = [
  [[], 3, 5, 4],
  [[], 1, 1, 1],
  [[], 1, 7, 1],
  [[], 5, 1, 3],
  [[], 60, 100, 70],
  [[3], 2, 5, 4],
  [[2, 3], 4, 3, 2],
  [[3], 7, 60, 9],
  [[], 0, 3, 2],
  [[], 3, 0, 2],
  [[0], 3, 4, 2],
  [[2], 3, 0, 2],
];
for (const [batch, n, m, k] of products) {
  for (const transposeA of [false, true]) {
    for (const transposeB of [false, true]) {
      add(
        'BatchMatMul',
        [
          { shape: [...batch, ...(transposeA ? [m, n] : [n, m])] },
          { shape: [...batch, ...(transposeB ? [k, m] : [m, k])] },
        ],
        { transposeA, transposeB },
      );
    }
  }
}

for (const [kernel, shapes, attributes] of convolutionCases)
  add(
    kernel,
    shapes.map((shape) => ({ shape })),
    attributes,
  );
