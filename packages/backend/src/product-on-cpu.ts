/** Matrix products on cpu: any transposes and batches. */
import type { FillOf } from './fills.ts';
import { broadcastShape } from './kernels.ts';
import { type HostValues, sizeOf } from './program.ts';

/** `BatchMatMul` of float32, each sum in float64. Of two batches one may be a single matrix, which serves all of the other. */
export const product: FillOf = ([a, b], attributes) => {
  if (a!.dtype !== 'float32') return undefined;
  const { transposeA, transposeB } = attributes as { transposeA: boolean; transposeB: boolean };
  const [batchA, batchB] = [a!.shape.slice(0, -2), b!.shape.slice(0, -2)];
  const [countA, countB] = [sizeOf(batchA), sizeOf(batchB)];
  if (countA !== countB && countA !== 1 && countB !== 1) return undefined;
  const [rows, inner] = (transposeA ? a!.shape.slice(-2).reverse() : a!.shape.slice(-2)) as [number, number];
  const columns = b!.shape.at(transposeB ? -2 : -1)!;
  const [rowOfA, stepOfA] = transposeA ? [1, rows] : [inner, 1];
  const multiply = transposeB || columns === 1 ? timesColumns : timesRows;
  const fill = (result: HostValues, [left, right]: readonly HostValues[]): void => {
    const sums = new Float64Array(columns);
    for (let matrix = 0; matrix < Math.max(countA, countB); matrix++) {
      const b0 = countB === 1 ? 0 : matrix * inner * columns;
      for (let row = 0; row < rows; row++) {
        const from = (countA === 1 ? 0 : matrix * rows * inner) + row * rowOfA;
        multiply(sums, left!, from, stepOfA, right!, b0, inner);
        result.set(sums, (matrix * rows + row) * columns);
      }
    }
  };
  return { result: { shape: [...broadcastShape(batchA, batchB), rows, columns], dtype: 'float32' }, fill };
};

/** A row times a matrix. */
type TimesMatrix = (
  sums: Float64Array,
  row: HostValues,
  from: number,
  step: number,
  matrix: HostValues,
  first: number,
  inner: number,
) => void;

/** Of a matrix whose rows lie one after the other. */
const timesRows: TimesMatrix = (sums, row, from, step, matrix, first, inner) => {
  const columns = sums.length;
  sums.fill(0);
  for (let i = 0; i < inner; i++) {
    const factor = row[from + i * step]!;
    const start = first + i * columns;
    for (let column = 0; column < columns; column++) sums[column]! += factor * matrix[start + column]!;
  }
};

/** Of a matrix whose columns lie one after the other. */
const timesColumns: TimesMatrix = (sums, row, from, step, matrix, first, inner) => {
  for (let column = 0; column < sums.length; column++) {
    const start = first + column * inner;
    let sum = 0;
    for (let i = 0; i < inner; i++) sum += row[from + i * step]! * matrix[start + i]!;
    sums[column] = sum;
  }
};
