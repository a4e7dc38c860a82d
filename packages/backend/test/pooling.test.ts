// The form in which pools are recorded.
import '../src/cpu.ts';
import { avgPool, maxPool, maxPool3d, type Tensor, type Tensor4D, type Tensor5D } from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import type { Aval, Program } from '../src/index.ts';
import { float, traceOf } from './traced.ts';

const kernels = (program: Program<Tensor>): string[] =>
  program.equations.map((equation) => (equation.type === 'kernel' ? equation.kernel : equation.type));
const first = (program: Program<Tensor>) => program.equations[0] as { readonly attributes: object };
const pooled = (f: (x: Tensor) => Tensor, aval: Aval): Program<Tensor> => traceOf(f, [aval]);

const explicit: Parameters<typeof maxPool>[3] = [
  [0, 0],
  [0, 0],
  [1, 1],
  [0, 0],
];
test.each([
  [
    'same',
    undefined,
    [
      [0, 1],
      [1, 1],
    ],
    [1, 3, 4, 2],
  ],
  [
    'valid',
    undefined,
    [
      [0, 0],
      [0, 0],
    ],
    [1, 2, 2, 2],
  ],
  [
    1,
    'floor',
    [
      [1, 0],
      [1, 1],
    ],
    [1, 3, 4, 2],
  ],
  [
    explicit,
    'ceil',
    [
      [0, 1],
      [1, 1],
    ],
    [1, 3, 4, 2],
  ],
] as const)('windows of a pool padded %s, %s', (pad, rounding, padding, shape) => {
  const program = pooled((x) => maxPool(x as Tensor4D, [2, 3], [2, 1], pad, rounding), float(1, 5, 4, 2));
  expect(first(program).attributes).toEqual({ filterSize: [2, 3], strides: [2, 1], padding });
  expect(program.outputs[0]!.shape).toEqual(shape);
});

test('a pool of volumes is two pools of images', () => {
  const program = pooled((x) => maxPool3d(x as Tensor5D, 2, 2, 'valid'), float(1, 4, 4, 4, 3));
  expect(kernels(program)).toEqual(['Reshape', 'MaxPool', 'Reshape', 'MaxPool', 'Reshape']);
  expect(program.outputs[0]!.shape).toEqual([1, 2, 2, 2, 3]);
});

test('a pool of single pixels is a choice of pixels, or nothing', () => {
  expect(kernels(pooled((x) => avgPool(x as Tensor4D, 1, [2, 1], 'same'), float(1, 3, 3, 1)))).toEqual(['GatherV2']);
  expect(kernels(pooled((x) => avgPool(x as Tensor4D, 1, 1, 'same'), float(1, 3, 3, 1)))).toEqual([]);
});
