// Movements and samples of images.
import * as tf from '@tensorflow/tfjs-core';
import { type Case, type Draw, integer, real } from './draws.ts';

type Tensor = tf.Tensor;
type Shapes = readonly (readonly number[])[];

export const imageCases: Case[] = [];

function add(
  kernel: string,
  draws: readonly Draw[],
  f: (...inputs: Tensor[]) => Tensor,
  variants: readonly Shapes[],
  note: string,
): void {
  for (const shapes of variants) {
    const name = `${kernel} ${note} of ${shapes.map((shape) => `[${shape}]`).join(' and ')}`;
    imageCases.push({ name, kernel, f, draws, shapes });
  }
}

const numbers = real(-2, 2);
const run = (kernel: string, inputs: { readonly [name: string]: Tensor }, attributes: object): Tensor =>
  tf.engine().runKernel(kernel, inputs as never, attributes as never) as Tensor;

add('Reverse', [numbers], (x) => tf.image.flipLeftRight(x as tf.Tensor4D), [[[2, 1, 3, 2]]], 'in flipLeftRight');
for (const mode of ['reflect', 'symmetric'] as const) {
  const pads: [number, number][] = [
    [1, 1],
    [0, 2],
  ];
  add('Concat', [numbers], (x) => tf.mirrorPad(x, pads, mode), [[[2, 3]]], `in mirrorPad ${mode}`);
}
add(
  'Transpose',
  [numbers],
  (x) =>
    tf.spaceToBatchND(
      x,
      [2, 3],
      [
        [1, 0],
        [0, 2],
      ],
    ),
  [[[1, 3, 4, 2]], [[2, 1, 1]]],
  'in spaceToBatchND',
);
add(
  'Transpose',
  [numbers],
  (x) =>
    tf.batchToSpaceND(
      x,
      [2, 3],
      [
        [1, 0],
        [0, 2],
      ],
    ),
  [[[6, 2, 1, 2]], [[6, 1, 1]]],
  'in batchToSpaceND',
);
for (const format of ['NHWC', 'NCHW'] as const) {
  const shape = format === 'NHWC' ? [1, 2, 1, 8] : [1, 8, 2, 1];
  add(
    'Transpose',
    [numbers],
    (x) => tf.depthToSpace(x as tf.Tensor4D, 2, format),
    [[shape]],
    `in depthToSpace ${format}`,
  );
}

for (const [alignCorners, halfPixelCenters] of [
  [false, false],
  [true, false],
  [false, true],
] as const) {
  const note = alignCorners ? ' of aligned corners' : halfPixelCenters ? ' of centers of pixels' : '';
  const attributes = { alignCorners, halfPixelCenters };
  for (const [way, resize] of [
    ['ResizeNearestNeighbor', tf.image.resizeNearestNeighbor],
    ['ResizeBilinear', tf.image.resizeBilinear],
  ] as const) {
    const f = (x: Tensor): Tensor => resize(x as tf.Tensor4D, [5, 2], alignCorners, halfPixelCenters);
    add('GatherV2', [numbers], f, [[[1, 3, 4, 2]], [[1, 1, 1, 1]]], `in ${way}${note}`);
    add(
      'ScatterNd',
      [numbers],
      (dy) => run(`${way}Grad`, { dy, images: tf.zeros([1, 3, 4, 2]) }, attributes),
      [[[1, 5, 2, 2]]],
      `in ${way}Grad${note}`,
    );
  }
}

/** Corners of boxes `[y1, x1, y2, x2]`, of which the upper ones may lie outside. */
const boxes: Draw = {
  dtype: 'float32',
  element: (uniform, index) => Math.fround((index % 4 < 2 ? -0.1 : 0.7) + 0.2 * uniform()),
};
for (const method of ['bilinear', 'nearest'] as const) {
  for (const size of [
    [2, 3],
    [1, 1],
  ] as [number, number][]) {
    add(
      'GatherV2',
      [numbers, boxes, integer(0, 2)],
      (x, box, index) => {
        const crop = tf.image.cropAndResize(
          x as tf.Tensor4D,
          box as tf.Tensor2D,
          index as tf.Tensor1D,
          size,
          method,
          0.5,
        );
        return tf.mul(crop, tf.sum(box));
      },
      [[[2, 4, 3, 1], [2, 4], [2]]],
      `in cropAndResize to ${size}, ${method}`,
    );
  }
}
add(
  'GatherV2',
  [numbers],
  (x) => tf.image.rotateWithOffset(x as tf.Tensor4D, 0.7, [1, 2, 3], [0.4, 0.6]),
  [[[1, 4, 3, 3]]],
  'in rotateWithOffset',
);

/** A projective transform of an image: the identity, a little off. */
const transform: Draw = {
  dtype: 'float32',
  element: (uniform, index) =>
    Math.fround([0.93, 0.13, -0.34, 0.08, 0.89, 0.27, 0.01, 0.02][index % 8]! + 0.005 * uniform()),
};
for (const mode of ['constant', 'reflect', 'wrap', 'nearest'] as const) {
  for (const interpolation of ['bilinear', 'nearest'] as const) {
    add(
      'GatherV2',
      [numbers, transform],
      (x, t) =>
        tf.mul(tf.image.transform(x as tf.Tensor4D, t as tf.Tensor2D, interpolation, mode, 0.5, [3, 4]), tf.sum(t)),
      mode === 'constant'
        ? [
            [
              [2, 3, 3, 2],
              [2, 8],
            ],
          ]
        : [
            [
              [1, 2, 3, 1],
              [1, 8],
            ],
          ],
      `in transform, ${mode}, ${interpolation}`,
    );
  }
}
