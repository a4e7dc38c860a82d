import { sameShape, showShape, sizeOf } from './array.ts';
import { booleanOf } from './attributes.ts';
import { type Kernels, ofTwo } from './kernel.ts';

export const products: Kernels = {
  BatchMatMul: ofTwo((a, b, attributes) => {
    const transposeA = booleanOf(attributes, 'transposeA');
    const transposeB = booleanOf(attributes, 'transposeB');
    const batch = a.shape.slice(0, -2);
    const [n, m] = matrixOf(a.shape, transposeA);
    const [rows, k] = matrixOf(b.shape, transposeB);
    if (!sameShape(batch, b.shape.slice(0, -2)) || m !== rows) {
      const options = `transposeA ${transposeA}, transposeB ${transposeB}`;
      throw new Error(`shapes ${showShape(a.shape)} and ${showShape(b.shape)} (${options}) do not multiply`);
    }
    const shape = [...batch, n, k];
    const values = new Float64Array(sizeOf(shape));
    for (let l = 0; l < sizeOf(batch); l++) {
      for (let i = 0; i < n; i++) {
        for (let j = 0; j < k; j++) {
          let sum = 0;
          for (let h = 0; h < m; h++) {
            const left = a.values[l * n * m + (transposeA ? h * n + i : i * m + h)]!;
            const right = b.values[l * m * k + (transposeB ? j * m + h : h * k + j)]!;
            sum += left * right;
          }
          values[l * n * k + i * k + j] = sum;
        }
      }
    }
    return { shape, values };
  }),
};

/** Rows and columns of the matrices in an array of `shape`, after transposing. */
function matrixOf(shape: readonly number[], transpose: boolean): readonly [number, number] {
  const [rows, columns] = shape.slice(-2);
  if (rows === undefined || columns === undefined) {
    throw new Error(`takes inputs of rank 2 or more, but one has shape ${showShape(shape)}; reshape it first`);
  }
  return transpose ? [columns, rows] : [rows, columns];
}
