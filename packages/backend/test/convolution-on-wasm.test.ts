// Convolutions of images against the sums that define them, in float64.
import '../src/cpu.ts';
import '../src/wasm.ts';
import { expectNoLeak } from '@posteriors/testing';
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import { setBackend, sizeOf } from '../src/index.ts';
import { placesAlong } from '../src/kernels-convolution.ts';
import { kernelOnWasm } from '../src/kernels-on-wasm.ts';

beforeAll(() => setBackend('wasm'));

type Pair = readonly [number, number];

interface Convolution {
  readonly groups: number;
  readonly images: number;
  readonly space: Pair;
  readonly channels: number;
  readonly outputs: number;
  readonly window: Pair;
  readonly strides: Pair;
  readonly dilations: Pair;
  readonly paddings: readonly [Pair, Pair];
}

const placesOf = ({ space, window, strides, dilations, paddings }: Convolution): [number, number] =>
  [0, 1].map((i) => placesAlong(space[i]!, window[i]!, strides[i]!, dilations[i]!, paddings[i]!)) as [number, number];

const upTo = (most: number, least = 1): fc.Arbitrary<number> => fc.integer({ min: least, max: most });
const pair = (most: number, least = 1): fc.Arbitrary<Pair> => fc.tuple(upTo(most, least), upTo(most, least));

const convolutions: fc.Arbitrary<Convolution> = fc
  .record({
    groups: upTo(3),
    images: upTo(3),
    space: pair(9, 2),
    channels: fc.constantFrom(1, 1, 2, 4, 5),
    outputs: upTo(9),
    window: pair(4),
    strides: fc.tuple(fc.constantFrom(1, 2, 3), fc.constantFrom(1, 1, 2, 3)),
    dilations: pair(3),
    paddings: fc.tuple(pair(3, -1), pair(3, -1)),
  })
  .filter((convolution) => placesOf(convolution).every((n) => n > 0));

const numbers = (size: number, seed: number): Float32Array =>
  Float32Array.from({ length: size }, (_, i) => Math.sin(seed + 2.3 * i));

/** Calls `visit` with the flat indices of the three elements of each product. */
function eachTerm(convolution: Convolution, visit: (x: number, filter: number, y: number) => void): void {
  const { groups, images, space, channels, outputs, window, strides, dilations, paddings } = convolution;
  const [rows, columns] = placesOf(convolution);
  const flat = (lengths: readonly number[], index: readonly number[]): number =>
    index.reduce((at, i, axis) => at * lengths[axis]! + i, 0);
  for (const [g, n, row, column, i, j, c, d] of indices([
    ...[groups, images, rows, columns, ...window],
    ...[channels, outputs],
  ]) as Iterable<[number, number, number, number, number, number, number, number]>) {
    const h = row * strides[0] + i * dilations[0] - paddings[0][0];
    const w = column * strides[1] + j * dilations[1] - paddings[1][0];
    if (h < 0 || w < 0 || h >= space[0] || w >= space[1]) continue;
    visit(
      flat([groups, images, ...space, channels], [g, n, h, w, c]),
      flat([groups, ...window, channels, outputs], [g, i, j, c, d]),
      flat([groups, images, rows, columns, outputs], [g, n, row, column, d]),
    );
  }
}

function* indices(lengths: readonly number[]): Iterable<number[]> {
  for (let at = 0; at < sizeOf(lengths); at++) {
    const index: number[] = [];
    let rest = at;
    for (let axis = lengths.length - 1; axis >= 0; axis--) {
      index[axis] = rest % lengths[axis]!;
      rest = Math.floor(rest / lengths[axis]!);
    }
    yield index;
  }
}

/** Runs all three kernels on numbers of these shapes, and compares. */
function check(convolution: Convolution): void {
  const { groups, images, space, channels, outputs, window, strides, dilations, paddings } = convolution;
  const front = groups === 1 ? [] : [groups];
  const shapes = [
    [...front, images, ...space, channels],
    [...front, ...window, channels, outputs],
    [...front, images, ...placesOf(convolution), outputs],
  ] as const;
  const values = shapes.map((shape, i) => numbers(sizeOf(shape), i));
  const [x, filter, y] = shapes.map((shape, i) => tf.tensor(values[i]!, [...shape])) as [
    tf.Tensor,
    tf.Tensor,
    tf.Tensor,
  ];
  const backend = tf.backend();
  const attrs = { strides, dilations, paddings, space, window } as unknown as tf.NamedAttrMap;
  const results = [
    kernelOnWasm('Conv2DBackpropInput', undefined)!({ inputs: { dy: y, filter }, attrs, backend }),
    kernelOnWasm('Conv2DBackpropFilter', undefined)!({ inputs: { x, dy: y }, attrs, backend }),
    kernelOnWasm('Conv2D', undefined)!({ inputs: { x, filter }, attrs, backend }),
  ] as tf.TensorInfo[];
  const sums = shapes.map((shape) => new Float64Array(sizeOf(shape)));
  const magnitudes = shapes.map((shape) => new Float64Array(sizeOf(shape)));
  eachTerm(convolution, (...at) => {
    for (let i = 0; i < 3; i++) {
      const [left, right] = [0, 1, 2].filter((k) => k !== i) as [number, number];
      const term = values[left]![at[left]!]! * values[right]![at[right]!]!;
      sums[i]![at[i]!]! += term;
      magnitudes[i]![at[i]!]! += Math.abs(term);
    }
  });
  results.forEach((info, i) => {
    const result = tf.engine().makeTensorFromTensorInfo(info);
    expect(result.shape).toEqual(shapes[i]);
    const isRight = (value: number, at: number): boolean =>
      Math.abs(value - sums[i]![at]!) <= 1e-6 * magnitudes[i]![at]!;
    expect([...result.dataSync()].findIndex((value, at) => !isRight(value, at))).toBe(-1);
    result.dispose();
  });
  tf.dispose([x, filter, y]);
}

test('any geometry, padded, cut, strided and dilated', () => {
  fc.assert(
    fc.property(convolutions, (convolution) => {
      expectNoLeak(() => check(convolution));
    }),
    { numRuns: 100, seed: 5 },
  );
});

const plain = { groups: 1, strides: [1, 1], dilations: [1, 1] } as const;

test.each<[string, Convolution]>([
  [
    'one channel',
    {
      ...plain,
      images: 2,
      space: [18, 18],
      channels: 1,
      outputs: 6,
      window: [5, 5],
      paddings: [
        [2, 2],
        [2, 2],
      ],
    },
  ],
  [
    'more than is laid out at a time',
    {
      ...plain,
      images: 1,
      space: [28, 31],
      channels: 9,
      outputs: 2,
      window: [3, 3],
      paddings: [
        [0, 1],
        [1, 0],
      ],
    },
  ],
])('%s', (_, convolution) => check(convolution));
