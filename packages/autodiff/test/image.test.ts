// Movements and samples of images: what tfjs computes, with derivatives that it lacks or gets wrong.
import '@posteriors/backend/cpu';
import '@posteriors/backend/wasm';
import { setBackend } from '@posteriors/backend';
import '@posteriors/testing';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { grad, jit, vmap } from '../src/index.ts';

type Tensor = tf.Tensor;

function numbers(shape: number[]): Tensor {
  const size = shape.reduce((product, n) => product * n, 1);
  return tf.tensor(
    Float32Array.from({ length: size }, (_, i) => (((i + 1) * 37) % 101) / 50 - 1),
    shape,
  );
}

const image = (x: Tensor): tf.Tensor4D => x as tf.Tensor4D;

const linear: [string, (x: Tensor) => Tensor, number[]][] = [
  ['flipLeftRight', (x) => tf.image.flipLeftRight(image(x)), [2, 3, 4, 2]],
  ['rotateWithOffset', (x) => tf.image.rotateWithOffset(image(x), 0.7, 0, [0.3, 0.6]), [2, 5, 4, 3]],
  [
    'spaceToBatchND',
    (x) =>
      tf.spaceToBatchND(
        x,
        [2, 2],
        [
          [1, 1],
          [0, 1],
        ],
      ),
    [2, 4, 5, 3],
  ],
  [
    'batchToSpaceND',
    (x) =>
      tf.batchToSpaceND(
        x,
        [2, 2],
        [
          [1, 1],
          [0, 1],
        ],
      ),
    [8, 3, 3, 2],
  ],
  ['depthToSpace', (x) => tf.depthToSpace(image(x), 2), [2, 3, 2, 12]],
  [
    'mirrorPad, reflect',
    (x) =>
      tf.mirrorPad(
        x,
        [
          [2, 1],
          [0, 3],
        ],
        'reflect',
      ),
    [3, 4],
  ],
  [
    'mirrorPad, symmetric',
    (x) =>
      tf.mirrorPad(
        x,
        [
          [3, 1],
          [0, 4],
        ],
        'symmetric',
      ),
    [3, 4],
  ],
];
for (const [alignCorners, halfPixelCenters] of [
  [false, false],
  [true, false],
  [false, true],
] as const) {
  for (const size of [
    [7, 3],
    [2, 8],
    [1, 1],
    [4, 5],
  ] as [number, number][]) {
    const note = `to ${size}${alignCorners ? ', corners aligned' : ''}${halfPixelCenters ? ', centers of pixels' : ''}`;
    linear.push(
      [
        `resizeBilinear ${note}`,
        (x) => tf.image.resizeBilinear(image(x), size, alignCorners, halfPixelCenters),
        [2, 4, 5, 2],
      ],
      [
        `resizeNearestNeighbor ${note}`,
        (x) => tf.image.resizeNearestNeighbor(image(x), size, alignCorners, halfPixelCenters),
        [2, 4, 5, 2],
      ],
    );
  }
}
const boxes = [
  [0, 0, 1, 1],
  [0.1, 0.2, 0.7, 1],
  [0.8, 0.9, 0.1, 0.2],
  [-0.3, 0.1, 0.5, 1.4],
];
for (const method of ['bilinear', 'nearest'] as const) {
  linear.push([
    `cropAndResize, ${method}`,
    (x) => tf.image.cropAndResize(image(x), tf.tensor2d(boxes), tf.tensor1d([0, 1, 1, 0], 'int32'), [3, 4], method),
    [2, 4, 5, 2],
  ]);
}
for (const mode of ['constant', 'reflect', 'wrap', 'nearest'] as const) {
  for (const interpolation of ['bilinear', 'nearest'] as const) {
    const projection = [1.3, -0.4, -2.2, 0.35, 1.6, -3.1, 0.01, -0.02];
    linear.push([
      `transform, ${mode}, ${interpolation}`,
      (x) => tf.image.transform(image(x), tf.tensor2d([projection]), interpolation, mode, 0, [7, 6]),
      [1, 4, 5, 2],
    ]);
  }
}

await setBackend('cpu');
const expected = linear.map(([, f, shape]) => {
  const y = tf.tidy(() => f(numbers(shape)));
  return { shape: y.shape, values: y.dataSync() };
});

describe.each(['cpu', 'wasm'] as const)('%s', (device) => {
  beforeAll(async () => {
    await setBackend(device);
    tf.engine().startScope();
  });
  afterAll(() => tf.engine().endScope());

  test.each(linear.map(([name], i) => [name, i] as const))(
    '%s equals tfjs, and its derivative is its transpose',
    (_, i) => {
      const [, f, shape] = linear[i]!;
      const x = numbers(shape);
      const y = jit(f)(x);
      expect(y.shape).toEqual(expected[i]!.shape);
      expect(y.dataSync()).toBeAllClose(expected[i]!.values, { rtol: 1e-5, atol: 1e-5 });
      // <J^T w, e> = <w, J e> for another image e.
      const weights = numbers([...y.shape].reverse());
      const w = tf.reshape(weights, y.shape);
      const other = tf.sin(tf.mul(x, 9));
      const pulled = grad((z: Tensor) => tf.sum(tf.mul(f(z), w)))(x);
      const [left, right] = [tf.sum(tf.mul(pulled, other)), tf.sum(tf.mul(w, jit(f)(other)))];
      expect(left.dataSync()).toBeAllClose(right.dataSync(), { rtol: 1e-4, atol: 1e-4 });
      const batch = tf.stack([x, other]);
      expect(vmap(f)(batch).dataSync()).toBeAllClose(tf.stack([y, jit(f)(other)]).dataSync(), {
        rtol: 1e-5,
        atol: 1e-5,
      });
    },
  );

  test('reflected elements count in the derivative of mirrorPad', () => {
    const slope = (mode: 'reflect' | 'symmetric'): Tensor =>
      grad((x: Tensor) => tf.sum(tf.mirrorPad(x, [[1, 2]], mode)))(tf.tensor1d([1, 2, 3]));
    expect([...slope('reflect').dataSync()]).toEqual([2, 3, 1]);
    expect([...slope('symmetric').dataSync()]).toEqual([2, 2, 2]);
  });

  test('the derivative of resizeBilinear knows of the centers of pixels', () => {
    const slope = grad((x: Tensor) => tf.sum(tf.image.resizeBilinear(image(x), [1, 2], false, true)))(
      tf.ones([1, 1, 4, 1]),
    );
    expect(slope.dataSync()).toBeAllClose([0.5, 0.5, 0.5, 0.5], { rtol: 0, atol: 1e-6 });
  });

  test('each image of a batch is transformed', () => {
    const x = numbers([2, 3, 4, 1]);
    const turn = tf.tensor2d([
      [1, 0, 1, 0, 1, 0, 0, 0],
      [1, 0, 0, 0, 1, 1, 0, 0],
    ]);
    const all = jit((z: Tensor) => tf.image.transform(image(z), turn, 'nearest', 'constant', 9))(x);
    const [first, second] = tf.unstack(all);
    const [one, two] = tf.unstack(x) as [Tensor, Tensor];
    expect([...first!.dataSync()]).toEqual([
      ...tf
        .pad(
          tf.slice(one, [0, 1]),
          [
            [0, 0],
            [0, 1],
            [0, 0],
          ],
          9,
        )
        .dataSync(),
    ]);
    expect([...second!.dataSync()]).toEqual([
      ...tf
        .pad(
          tf.slice(two, 1),
          [
            [0, 1],
            [0, 0],
            [0, 0],
          ],
          9,
        )
        .dataSync(),
    ]);
  });

  test('a crop depends on its boxes', () => {
    const ramp = tf.tensor4d([0, 1, 2, 3], [1, 1, 4, 1]);
    const crop = (box: Tensor): Tensor =>
      tf.sum(tf.image.cropAndResize(ramp, box as tf.Tensor2D, tf.tensor1d([0], 'int32'), [1, 2]));
    // Along a ramp, the two samples are 3 x1 and 3 x2.
    expect(grad(crop)(tf.tensor2d([[0, 0.2, 0, 0.7]])).dataSync()).toBeAllClose([0, 3, 0, 3], {
      rtol: 1e-5,
      atol: 1e-5,
    });
  });
});
