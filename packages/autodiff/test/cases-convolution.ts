// Convolutions as tfjs spells them, and their gradient kernels.
import { record } from '@posteriors/backend';
import * as tf from '@tensorflow/tfjs-core';
import { type Case, real } from './draws.ts';

type Tensor = tf.Tensor;
type Numbers = readonly number[];

export const convolutionCases: Case[] = [];

function add(
  kernel: string,
  note: string,
  f: (a: Tensor, b: Tensor) => Tensor,
  variants: readonly (readonly Numbers[])[],
): void {
  for (const shapes of variants) {
    const name = `${kernel} ${note} of ${shapes.map((shape) => `[${shape}]`).join(' and ')}`;
    convolutionCases.push({ name, kernel, f, draws: shapes.map(() => real(-1, 1)), shapes });
  }
}

type Tensor4D = tf.Tensor4D;
type Pair = [number, number];
const conv2d =
  (strides: Pair, pad: Parameters<typeof tf.conv2d>[3], dilations?: Pair) =>
  (x: Tensor, filter: Tensor): Tensor =>
    tf.conv2d(x as Tensor4D, filter as Tensor4D, strides, pad, 'NHWC', dilations);

add('Conv2D', 'valid', conv2d([1, 1], 'valid'), [
  [
    [1, 3, 2, 2],
    [2, 2, 2, 1],
  ],
  [
    [1, 1, 1, 1],
    [1, 1, 1, 1],
  ],
  [
    [0, 2, 2, 1],
    [1, 2, 1, 1],
  ],
]);
add('Conv2D', 'same with strides', conv2d([2, 1], 'same'), [
  [
    [1, 3, 2, 1],
    [2, 2, 1, 2],
  ],
]);
add(
  'Conv2D',
  'with explicit paddings and dilations',
  conv2d(
    [1, 1],
    [
      [0, 0],
      [1, 0],
      [0, 2],
      [0, 0],
    ],
    [2, 1],
  ),
  [
    [
      [1, 2, 2, 1],
      [2, 1, 1, 2],
    ],
  ],
);
add('Conv2D', 'with channels first', (x, filter) => tf.conv2d(x as Tensor4D, filter as Tensor4D, 1, 'same', 'NCHW'), [
  [
    [1, 2, 2, 1],
    [2, 1, 2, 1],
  ],
]);
add('Conv2D', 'in conv1d', (x, filter) => tf.conv1d(x as tf.Tensor2D, filter as tf.Tensor3D, 1, 'same', 'NWC', 2), [
  [
    [4, 2],
    [2, 2, 1],
  ],
]);
add('Conv2D', 'by itself', (x) => tf.conv2d(x as Tensor4D, x as Tensor4D, 1, 'same'), [[[2, 2, 1, 1]]]);
add(
  'Conv2DBackpropInput',
  'in conv2dTranspose',
  (y, filter) => tf.conv2dTranspose(y as Tensor4D, filter as Tensor4D, [1, 3, 2, 1], [2, 1], 'same'),
  [
    [
      [1, 2, 2, 2],
      [2, 2, 1, 2],
    ],
  ],
);
add(
  'Conv2DBackpropFilter',
  'with strides',
  (x, y) =>
    record('Conv2DBackpropFilter', [x, y], {
      strides: [2, 1],
      dilations: [1, 1],
      paddings: [
        [1, 0],
        [0, 1],
      ],
      window: [2, 1],
    }),
  [
    [
      [2, 3, 1, 1],
      [2, 2, 2, 2],
    ],
  ],
);

const depthwise =
  (strides: Pair, pad: 'same' | 'valid', dilations?: Pair) =>
  (x: Tensor, filter: Tensor): Tensor =>
    tf.depthwiseConv2d(x as Tensor4D, filter as Tensor4D, strides, pad, 'NHWC', dilations);
add('DepthwiseConv2dNative', 'with strides', depthwise([2, 1], 'same'), [
  [
    [1, 3, 2, 2],
    [2, 1, 2, 2],
  ],
  [
    [1, 1, 1, 1],
    [1, 1, 1, 1],
  ],
]);
add('DepthwiseConv2dNative', 'with dilations', depthwise([1, 1], 'valid', [1, 2]), [
  [
    [1, 1, 3, 2],
    [1, 2, 2, 1],
  ],
]);
add(
  'DepthwiseConv2dNativeBackpropInput',
  'with strides',
  (y, filter) =>
    record('DepthwiseConv2dNativeBackpropInput', [y, filter], {
      strides: [2, 1],
      dilations: [1, 1],
      paddings: [
        [0, 1],
        [1, 0],
      ],
      space: [3, 2],
    }),
  [
    [
      [1, 2, 2, 4],
      [2, 2, 2, 2],
    ],
  ],
);
add(
  'DepthwiseConv2dNativeBackpropFilter',
  'with dilations',
  (x, y) =>
    record('DepthwiseConv2dNativeBackpropFilter', [x, y], {
      strides: [1, 1],
      dilations: [1, 2],
      paddings: [
        [0, 0],
        [1, 1],
      ],
      window: [1, 2],
    }),
  [
    [
      [2, 1, 3, 2],
      [2, 1, 3, 4],
    ],
  ],
);
add(
  'Conv2D',
  'in separableConv2d',
  (x, filter) => tf.separableConv2d(x as Tensor4D, filter as Tensor4D, tf.ones([1, 1, 2, 1]) as Tensor4D, 1, 'same'),
  [
    [
      [1, 2, 2, 1],
      [2, 1, 1, 2],
    ],
  ],
);

add('Conv3D', 'with strides', (x, filter) => tf.conv3d(x as tf.Tensor5D, filter as tf.Tensor5D, [1, 2, 1], 'same'), [
  [
    [1, 2, 2, 1, 1],
    [1, 2, 1, 1, 2],
  ],
]);
add(
  'Conv3D',
  'with dilations',
  (x, filter) => tf.conv3d(x as tf.Tensor4D, filter as tf.Tensor5D, 1, 'valid', 'NDHWC', [2, 1, 1]),
  [
    [
      [3, 1, 2, 2],
      [2, 1, 1, 2, 1],
    ],
  ],
);
add(
  'Conv3DBackpropInputV2',
  'in conv3dTranspose',
  (y, filter) => tf.conv3dTranspose(y as tf.Tensor5D, filter as tf.Tensor5D, [1, 2, 2, 1, 1], [2, 1, 1], 'same'),
  [
    [
      [1, 1, 2, 1, 2],
      [2, 2, 1, 1, 2],
    ],
  ],
);
add(
  'Conv3DBackpropFilterV2',
  'with strides',
  (x, y) =>
    record('Conv3DBackpropFilterV2', [x, y], {
      strides: [1, 1, 2],
      dilations: [1, 1, 1],
      paddings: [
        [0, 0],
        [0, 0],
        [1, 1],
      ],
      window: [1, 1, 2],
    }),
  [
    [
      [1, 1, 2, 2, 1],
      [1, 1, 2, 2, 1],
    ],
  ],
);
add(
  'Conv2D',
  'of several on leading axes',
  (x, filter) =>
    record('Conv2D', [x, filter], {
      strides: [1, 1],
      dilations: [1, 1],
      paddings: [
        [0, 0],
        [1, 0],
      ],
    }),
  [
    [
      [2, 1, 2, 1, 1],
      [2, 1, 2, 1, 2],
    ],
  ],
);

// Every kernel of one element, of odd sizes and of no images, with the attributes as they are recorded.
const operands = { y: ['x', 'filter'], x: ['y', 'filter'], filter: ['x', 'y'] } as const;
for (const [axes, names] of [
  [2, { y: 'Conv2D', x: 'Conv2DBackpropInput', filter: 'Conv2DBackpropFilter' }],
  [3, { y: 'Conv3D', x: 'Conv3DBackpropInputV2', filter: 'Conv3DBackpropFilterV2' }],
  [
    2,
    {
      y: 'DepthwiseConv2dNative',
      x: 'DepthwiseConv2dNativeBackpropInput',
      filter: 'DepthwiseConv2dNativeBackpropFilter',
    },
  ],
] as const) {
  const ones = new Array<number>(axes - 1).fill(1);
  for (const [note, images, length] of [
    ['with one element', 1, 1],
    ['of odd sizes', 1, 3],
    ['of nothing', 0, 3],
  ] as const) {
    const along = [length, ...ones];
    const shapes = { x: [images, ...along, 1], filter: [...along, 1, 1], y: [images, ...along, 1] };
    const padding = (length - 1) / 2;
    const common = {
      strides: [1, ...ones],
      dilations: [1, ...ones],
      paddings: [[padding, padding], ...ones.map(() => [0, 0])],
    };
    for (const result of ['x', 'filter', 'y'] as const) {
      const own = { x: { space: along }, filter: { window: along }, y: {} }[result];
      const variant = operands[result].map((role) => shapes[role]);
      add(names[result], note, (a, b) => record(names[result], [a, b], { ...common, ...own }), [variant]);
    }
  }
}
