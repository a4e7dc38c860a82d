/** Matrix products on wasm: any transposes and batches, with SIMD. */
import type { KernelFunc, TensorInfo } from '@tensorflow/tfjs-core';
import { assembly, written } from './assembly.ts';
import { kernelCall } from './kernel-call.ts';
import { sameShape, sizeOf } from './program.ts';
import { addressOf, withScratch } from './wasm-functions.ts';

/** `BatchMatMul` of float32. Of a matrix times its own transpose one half is computed. */
export const product: KernelFunc = (call) => {
  const { device, inputs, attributes } = kernelCall(call);
  const [a, b] = inputs as [TensorInfo, TensorInfo];
  const { transposeA, transposeB } = attributes as { transposeA: boolean; transposeB: boolean };
  const batch = a.shape.slice(0, -2);
  const [rows, inner] = matrix(a, transposeA);
  const columns = matrix(b, transposeB)[1];
  const isSymmetric = a.dataId === b.dataId && transposeA !== transposeB && sameShape(a.shape, b.shape);
  const { multiply, multiplyScratch } = assembly(device);
  return written(device, [...batch, rows, columns], 'float32', (out) =>
    withScratch(device, multiplyScratch(inner, columns), (scratch) =>
      multiply(
        ...[sizeOf(batch), addressOf(device, a), addressOf(device, b), out, rows, inner, columns],
        ...[Number(transposeA), Number(transposeB), Number(isSymmetric), scratch],
      ),
    ),
  );
};

function matrix({ shape }: TensorInfo, transposed: boolean): [rows: number, columns: number] {
  const [rows, columns] = shape.slice(-2) as [number, number];
  return transposed ? [columns, rows] : [rows, columns];
}
