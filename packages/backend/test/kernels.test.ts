import { expect, test } from 'vitest';
import { broadcastShape, kernelNames, kernelSpec, registerKernelSpec } from '../src/index.ts';
import { bool, float, int } from './traced.ts';

test('shapes broadcast by the rule of numpy', () => {
  expect(broadcastShape([], [2, 3])).toEqual([2, 3]);
  expect(broadcastShape([2, 1], [3])).toEqual([2, 3]);
  expect(broadcastShape([1, 0], [4, 1])).toEqual([4, 0]);
  expect(broadcastShape([1], [0])).toEqual([0]);
  expect(() => broadcastShape([2, 3], [2])).toThrow(
    'shapes [2,3] and [2] do not broadcast: 3 and 2 differ and neither is 1',
  );
  expect(() => broadcastShape([2], [0])).toThrow(/2 and 0 differ/);
});

test('shape rules give dtypes', () => {
  const shape = (
    kernel: string,
    inputs: Parameters<NonNullable<ReturnType<typeof kernelSpec>>['shape']>[0],
    attributes = {},
  ): unknown => kernelSpec(kernel)!.shape(inputs, attributes);
  expect(shape('Add', [int(2, 1), int(3)])).toEqual(int(2, 3));
  expect(shape('Less', [int(2, 1), int(3)])).toEqual(bool(2, 3));
  expect(shape('Exp', [int(2)])).toEqual(float(2));
  expect(shape('Sum', [int(2, 3, 4)], { axis: [0, 2] })).toEqual(int(3));
  expect(shape('ArgMax', [float(2, 3)], { axis: 0 })).toEqual(int(3));
  expect(shape('GatherV2', [bool(2, 3), int(4, 5)], { axis: 1 })).toEqual(bool(2, 4, 5));
  expect(shape('GatherNd', [float(2, 3), int(4, 1)])).toEqual(float(4, 3));
  expect(shape('BatchMatMul', [float(2, 4, 3), float(2, 4, 5)], { transposeA: true, transposeB: false })).toEqual(
    float(2, 3, 5),
  );
  expect(() => shape('BatchMatMul', [float(3, 4), float(5, 4)], { transposeA: false, transposeB: false })).toThrow(
    'BatchMatMul: [3,4] and [5,4] cannot be multiplied',
  );
});

test('kernels can be added, and are listed', () => {
  expect(kernelSpec('Cube')).toBeUndefined();
  registerKernelSpec('Cube', { inputNames: ['x'], shape: ([x]) => x! });
  expect(kernelNames()).toContain('Cube');
  expect(kernelNames()).toEqual(kernelNames().slice().sort());
  expect(kernelSpec('Cube')!.shape([float(2)], {})).toEqual(float(2));
});
