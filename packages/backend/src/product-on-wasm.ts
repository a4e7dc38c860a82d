/** Matrix products on wasm: any transposes and batches, with SIMD. */
import type { KernelBackend, KernelFunc, TensorInfo } from '@tensorflow/tfjs-core';
import { assembly } from './assembly.ts';
import { sameShape, sizeOf } from './program.ts';
import { addressOf, newTensor, withScratch } from './wasm-functions.ts';

/** `BatchMatMul` of float32. Of a matrix times its own transpose one half is computed. */
export const product: KernelFunc = ({ inputs, attrs, backend }) => {
  const device = backend as KernelBackend;
  const { a, b } = inputs as { a: TensorInfo; b: TensorInfo };
  const { transposeA, transposeB } = attrs as unknown as { transposeA: boolean; transposeB: boolean };
  const batch = a.shape.slice(0, -2);
  const [rows, inner] = matrix(a, transposeA);
  const columns = matrix(b, transposeB)[1];
  const isSymmetric = a.dataId === b.dataId && transposeA !== transposeB && sameShape(a.shape, b.shape);
  const { multiply, multiplyScratch } = assembly(device);
  const [left, right] = [addressOf(device, a), addressOf(device, b)];
  const result = newTensor(device, [...batch, rows, columns], 'float32');
  const out = addressOf(device, result);
  withScratch(device, multiplyScratch(inner, columns), (scratch) =>
    multiply(
      ...[sizeOf(batch), left, right, out, rows, inner, columns],
      ...[Number(transposeA), Number(transposeB), Number(isSymmetric), scratch],
    ),
  );
  return result;
};

function matrix({ shape }: TensorInfo, transposed: boolean): [rows: number, columns: number] {
  const [rows, columns] = shape.slice(-2) as [number, number];
  return transposed ? [columns, rows] : [rows, columns];
}
