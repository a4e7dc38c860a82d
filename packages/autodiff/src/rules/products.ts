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
        return transposeA ? matMul(b!, cotangent, transposeB as boolean, true) : matMul(cotangent, b!, false, !transposeB);
      }
      return transposeB ? matMul(cotangent, a!, true, transposeA as boolean) : matMul(a!, cotangent, !transposeA, false);
    },
  },
  batch([a, b], [batchedA, batchedB], { transposeA, transposeB }, size) {
    if (batchedA && !batchedB && b!.rank === 2 && !transposeA) {
      // One matrix on the right of many rows: a single product.
      const rows = reshapeTo(a!, [size * (a!.shape[1] as number), a!.shape[2] as number]);
      const product = matMul(rows, b!, false, transposeB as boolean);
      return reshapeTo(product, [size, a!.shape[1] as number, product.shape[1] as number]);
    }
    return matMul(
      ensureBatched(a!, batchedA as boolean, size),
      ensureBatched(b!, batchedB as boolean, size),
      transposeA as boolean,
      transposeB as boolean,
    );
  },
});
