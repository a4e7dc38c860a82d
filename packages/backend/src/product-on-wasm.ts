/** Matrix products on wasm: any transposes and batches, with SIMD. */
import { assembly } from './assembly.ts';
import { type CallsOf, call, input, result, scratch } from './calls.ts';
import { broadcastShape } from './kernels.ts';
import { type Aval, sameShape, sizeOf } from './program.ts';

/** `BatchMatMul` of float32. Of a matrix times its own transpose one half is computed; a batch of one matrix serves all. */
export const product: CallsOf = ({ device, inputs: [a, b], attributes }) => {
  const { transposeA, transposeB } = attributes as { transposeA: boolean; transposeB: boolean };
  const [batchA, batchB] = [a!, b!].map(({ shape }) => shape.slice(0, -2)) as [number[], number[]];
  const [rows, inner] = matrix(a!, transposeA);
  const columns = matrix(b!, transposeB)[1];
  const isSymmetric = a!.memory === b!.memory && transposeA !== transposeB && sameShape(a!.shape, b!.shape);
  return {
    result: { shape: [...broadcastShape(batchA, batchB), rows, columns], dtype: 'float32' },
    scratch: assembly(device).multiplyScratch(inner, columns),
    calls: [
      call(
        assembly,
        'multiply',
        ...[sizeOf(batchA), sizeOf(batchB), input(0), input(1), result(), rows, inner, columns],
        ...[Number(transposeA), Number(transposeB), Number(isSymmetric), scratch()],
      ),
    ],
  };
};

function matrix({ shape }: Aval, transposed: boolean): [rows: number, columns: number] {
  const [rows, columns] = shape.slice(-2) as [number, number];
  return transposed ? [columns, rows] : [rows, columns];
}
