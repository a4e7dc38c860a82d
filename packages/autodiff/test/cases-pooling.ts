// Pools of images and volumes, and what else is made of windows.
import { record } from '@posteriors/backend';
import * as tf from '@tensorflow/tfjs-core';
import { type Case, type Draw, integer, real } from './draws.ts';

type Tensor = tf.Tensor;
type Shapes = readonly (readonly number[])[];

export const poolingCases: Case[] = [];

function add(
  kernel: string,
  draws: readonly Draw[],
  f: (...inputs: Tensor[]) => Tensor,
  variants: readonly Shapes[],
  note = '',
): void {
  for (const shapes of variants) {
    const name = `${kernel}${note === '' ? '' : ` ${note}`} of ${shapes.map((shape) => `[${shape}]`).join(' and ')}`;
    poolingCases.push({ name, kernel, f, draws, shapes });
  }
}

/** Numbers between -1 and 1, in no order, of which no two of up to 60 are closer than 0.02. */
const apart: Draw = {
  dtype: 'float32',
  element: (uniform, index) => Math.fround((((index + 1) * 23) % 61) / 30.5 - 1 + 0.01 * uniform()),
};

const maxPool =
  (size: number | [number, number], strides: number | [number, number], pad: 'same' | 'valid' | number) =>
  (x: Tensor): Tensor =>
    tf.maxPool(x as tf.Tensor4D, size, strides, pad, typeof pad === 'number' ? 'floor' : undefined);
const avgPool =
  (size: number | [number, number], strides: number | [number, number], pad: 'same' | 'valid' | number) =>
  (x: Tensor): Tensor =>
    tf.avgPool(x as tf.Tensor4D, size, strides, pad, typeof pad === 'number' ? 'floor' : undefined);

for (const [kernel, pool] of [
  ['MaxPool', maxPool],
  ['AvgPool', avgPool],
] as const) {
  add(kernel, [apart], pool(2, 2, 'valid'), [
    [[2, 4, 4, 1]],
    [[1, 2, 2, 1]],
    [[0, 2, 2, 1]],
    [[1, 5, 5, 2]],
    [[1, 3, 3, 1]],
  ]);
  add(kernel, [apart], pool(3, 2, 'same'), [[[1, 5, 4, 2]], [[1, 1, 1, 1]]], 'same');
  add(kernel, [apart], pool([1, 3], [2, 1], 'valid'), [[[1, 3, 4, 1]]], 'of rows');
  add(kernel, [apart], pool([2, 3], [1, 2], 1), [[[1, 3, 4, 2]]], 'with padding');
}
add(
  'MaxPool',
  [apart],
  (x) =>
    tf.maxPool(
      x as tf.Tensor4D,
      3,
      2,
      [
        [0, 0],
        [0, 1],
        [1, 0],
        [0, 0],
      ],
      'ceil',
    ),
  [[[1, 5, 4, 2]]],
  'with explicit padding, rounded up',
);
add(
  'AvgPool',
  [apart],
  (x) =>
    tf.avgPool(
      x as tf.Tensor4D,
      3,
      2,
      [
        [0, 0],
        [0, 1],
        [1, 0],
        [0, 0],
      ],
      'ceil',
    ),
  [[[1, 5, 4, 2]]],
  'with explicit padding, rounded up',
);
add('GatherV2', [apart], (x) => tf.maxPool(x as tf.Tensor4D, 1, 2, 'same'), [[[1, 4, 3, 2]]], 'in a pool of 1');
add('MaxPool', [apart], (x) => tf.maxPool(x as tf.Tensor3D, 2, 1, 'same'), [[[3, 3, 2]]], 'of one image');
add(
  'MaxPool',
  [apart],
  (x) => tf.maxPool3d(x as tf.Tensor5D, [2, 3, 2], [1, 2, 2], 'same'),
  [[[1, 3, 4, 2, 2]], [[1, 1, 1, 1, 1]]],
  'in maxPool3d',
);
add(
  'AvgPool',
  [apart],
  (x) => tf.avgPool3d(x as tf.Tensor5D, [2, 3, 2], [1, 2, 2], 'same'),
  [[[1, 3, 4, 2, 2]], [[1, 1, 1, 1, 1]]],
  'in avgPool3d',
);
add('AvgPool', [apart], (x) => tf.pool(x as tf.Tensor4D, 2, 'avg', 'valid', 2), [[[1, 5, 4, 1]]], 'in a dilated pool');
add(
  'MaxPoolArgmax',
  [apart],
  (x) => {
    const { result, indexes } = tf.maxPoolWithArgmax(x as tf.Tensor4D, 2, 1, 'same', true) as tf.NamedTensorMap & {
      readonly result: Tensor;
      readonly indexes: Tensor;
    };
    return tf.mul(result, tf.mul(0.1, tf.cast(indexes, 'float32')));
  },
  [[[2, 2, 3, 2]], [[3, 3, 1, 1]], [[1, 1, 1, 1]], [[0, 2, 2, 1]]],
);

const averaging = {
  filterSize: [3, 2],
  strides: [2, 1],
  padding: [
    [1, 1],
    [0, 1],
  ],
};
add('AvgPoolTranspose', [real(-2, 2)], (dy) => record('AvgPoolTranspose', [dy], { ...averaging, size: [5, 3] }), [
  [[2, 3, 3, 1]],
  [[1, 3, 3, 1]],
  [[0, 3, 3, 1]],
]);
add('AvgPoolTranspose', [real(-2, 2)], (dy) => record('AvgPoolTranspose', [dy], { ...averaging, size: [1, 1] }), [
  [[1, 1, 1, 1]],
]);
add('GatherEach', [real(-2, 2), integer(0, 6)], (x, places) => record('GatherEach', [x, places]), [
  [
    [2, 2, 3],
    [2, 4],
  ],
  [[2, 7], [2]],
  [
    [0, 6],
    [0, 2],
  ],
  [
    [3, 7],
    [3, 3],
  ],
]);
add('GatherEach', [real(-2, 2), integer(0, 1)], (x, places) => record('GatherEach', [x, places]), [
  [
    [1, 1],
    [1, 1],
  ],
]);
add(
  'ScatterEach',
  [real(-2, 2), integer(0, 6)],
  (updates, places) => record('ScatterEach', [updates, places], { shape: [2, 3] }),
  [
    [
      [2, 4],
      [2, 4],
    ],
    [[2], [2]],
    [[3], [3]],
    [[1], [1]],
    [
      [0, 4],
      [0, 4],
    ],
  ],
);
const pool2d = { filterSize: [2, 3], strides: [1, 2], pad: 'same' };
const run = (kernel: string, inputs: { readonly [name: string]: Tensor }, attributes: object): Tensor =>
  tf.engine().runKernel(kernel, inputs as never, attributes as never) as Tensor;
add(
  'ScatterEach',
  [apart, real(-2, 2)],
  (input, dy) => run('MaxPoolGrad', { dy, input, output: dy }, pool2d),
  [
    [
      [1, 3, 4, 2],
      [1, 3, 2, 2],
    ],
  ],
  'in MaxPoolGrad',
);
add(
  'AvgPoolTranspose',
  [apart, real(-2, 2)],
  (input, dy) => tf.mul(input, run('AvgPoolGrad', { dy, input }, pool2d)),
  [
    [
      [1, 3, 4, 2],
      [1, 3, 2, 2],
    ],
  ],
  'of tfjs',
);
const pool3d = { filterSize: [2, 3, 2], strides: [1, 2, 2], pad: 'same' };
add(
  'ScatterEach',
  [apart, real(-2, 2)],
  (input, dy) => run('MaxPool3DGrad', { dy, input, output: dy }, pool3d),
  [
    [
      [1, 3, 4, 2, 2],
      [1, 3, 2, 1, 2],
    ],
  ],
  'in MaxPool3DGrad',
);
add(
  'AvgPoolTranspose',
  [apart, real(-2, 2)],
  (input, dy) => tf.mul(input, run('AvgPool3DGrad', { dy, input }, pool3d)),
  [
    [
      [1, 3, 4, 2, 2],
      [1, 3, 2, 1, 2],
    ],
  ],
  'in AvgPool3DGrad',
);

add(
  'Pow',
  [real(-2, 2)],
  (x) => tf.localResponseNormalization(x as tf.Tensor4D, 1, 1.5, 0.7, 0.6),
  [[[1, 2, 1, 5]], [[1, 1, 1, 1]]],
  'in localResponseNormalization',
);
add(
  'Pow',
  [real(-1, 1), real(-1, 1)],
  (x, dy) => {
    const attributes = { depthRadius: 3, bias: 1.5, alpha: 0.7, beta: 0.6 };
    return run('LRNGrad', { x, dy, y: run('LRN', { x }, attributes) }, attributes);
  },
  [
    [
      [1, 1, 2, 4],
      [1, 1, 2, 4],
    ],
  ],
  'in LRNGrad',
);

/** Numbers of which no sum with one of `apart` meets another one. */
const filters: Draw = {
  dtype: 'float32',
  element: (_uniform, index) => Math.fround((((index + 1) * 5) % 17) / 300),
};
const dilation = { strides: [1, 2], pad: 'same', dilations: [2, 1] };
add(
  'ArgMax',
  [apart, filters],
  (x, filter) => run('Dilation2D', { x, filter }, dilation),
  [
    [
      [1, 4, 3, 2],
      [2, 2, 2],
    ],
    [
      [1, 1, 1, 1],
      [1, 1, 1],
    ],
  ],
  'in Dilation2D',
);
for (const side of ['Input', 'Filter']) {
  add(
    'ScatterEach',
    [apart, filters, real(-2, 2)],
    (x, filter, dy) => run(`Dilation2DBackprop${side}`, { x, filter, dy }, { ...dilation, pad: 'valid' }),
    [
      [
        [1, 4, 3, 2],
        [2, 2, 2],
        [1, 2, 1, 2],
      ],
    ],
    `in the derivative of Dilation2D by its ${side.toLowerCase()}`,
  );
}
