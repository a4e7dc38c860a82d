/** Matrix products. */
import { matMul } from '@tensorflow/tfjs-core';
import { registerRule } from '../rule.ts';
import { ensureBatched, moveAxis, reshapeTo } from '../shapes.ts';

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
    if (batchedA && !batchedB && b!.rank === 2 && !transposeA) {
      // One matrix on the right of many rows: a single product.
      const rows = reshapeTo(a!, [size * (a!.shape[1] as number), a!.shape[2] as number]);
      const product = matMul(rows, b!, false, transposeB as boolean);
      return reshapeTo(product, [size, a!.shape[1] as number, product.shape[1] as number]);
    }
    if (!batchedA && batchedB && a!.rank === 2 && !transposeB) {
      // One matrix on the left of many: a single product with their columns side by side.
      const columns = b!.shape[2] as number;
      const wide = reshapeTo(moveAxis(b!, 0, 1), [b!.shape[1] as number, size * columns]);
      const product = matMul(a!, wide, transposeA as boolean, false);
      return moveAxis(reshapeTo(product, [product.shape[0] as number, size, columns]), 1, 0);
    }
    return matMul(
      ensureBatched(a!, batchedA as boolean, size),
      ensureBatched(b!, batchedB as boolean, size),
      transposeA as boolean,
      transposeB as boolean,
    );
  },
});
