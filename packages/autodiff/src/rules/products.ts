/** Matrix products. */
import { matMul } from '@tensorflow/tfjs-core';
import { registerRule } from '../rule.ts';
import { ensureBatched, reshapeTo } from '../shapes.ts';

registerRule('BatchMatMul', {
  derivative: {
    multilinear: true,
    // With C = op(A) op(B): the cotangent of op(A) is C' op(B)^T, that of op(B) is op(A)^T C'.
    transpose(index, cotangent, [a, b], { transposeA, transposeB }) {
      if (index === 0) {
        return transposeA
          ? matMul(b!, cotangent, transposeB as boolean, true)
          : matMul(cotangent, b!, false, !transposeB);
      }
      return transposeB
        ? matMul(cotangent, a!, true, transposeA as boolean)
        : matMul(a!, cotangent, !transposeA, false);
    },
  },
  batch([a, b], [batchedA, batchedB], { transposeA, transposeB }, size) {
    const [rows, inner] = lastTwo(a!.shape, transposeA as boolean);
    const columns = lastTwo(b!.shape, transposeB as boolean)[1];
    // Of one matrix and many vectors, or many rows, a single product.
    if (batchedA && !batchedB && b!.rank === 2 && (rows === 1 || !transposeA)) {
      const product = matMul(reshapeTo(a!, [size * rows, inner]), b!, false, transposeB as boolean);
      return reshapeTo(product, [size, rows, columns]);
    }
    if (!batchedA && batchedB && a!.rank === 2 && columns === 1) {
      return reshapeTo(matMul(reshapeTo(b!, [size, inner]), a!, false, !transposeA), [size, rows, 1]);
    }
    return matMul(
      ensureBatched(a!, batchedA as boolean, size),
      ensureBatched(b!, batchedB as boolean, size),
      transposeA as boolean,
      transposeB as boolean,
    );
  },
});

function lastTwo(shape: readonly number[], transposed: boolean): readonly [rows: number, columns: number] {
  const [rows, columns] = shape.slice(-2) as [number, number];
  return transposed ? [columns, rows] : [rows, columns];
}
