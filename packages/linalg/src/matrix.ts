/** What the functions of this package share: the shapes they take, and views of matrices written with tfjs ops. */
import { broadcastShape, record, sameShape } from '@posteriors/backend';
import { add, mul, slice, type Tensor, transpose } from '@tensorflow/tfjs-core';

interface Shaped {
  readonly shape: readonly number[];
}
interface Typed extends Shaped {
  readonly dtype: string;
}

/** Rows and columns of matrices `[..., m, n]`. */
export function sizeOfMatrix({ shape }: Shaped): readonly [rows: number, columns: number] {
  return [shape[shape.length - 2] as number, shape[shape.length - 1] as number];
}

/** The axes in front of the matrices. */
export function batchOf({ shape }: Shaped): readonly number[] {
  return shape.slice(0, -2);
}

/** How many matrices there are. */
export function countOf(x: Shaped): number {
  return batchOf(x).reduce((product, n) => product * n, 1);
}

/** @throws unless `x` holds float32 matrices. */
export function requireMatrices(name: string, x: Typed): void {
  if (x.dtype !== 'float32' || x.shape.length < 2) {
    throw new Error(`${name}: takes float32 matrices [..., m, n], not ${x.dtype}[${x.shape}]; cast or reshape first`);
  }
}

/** @throws unless `x` holds square float32 matrices. */
export function requireSquare(name: string, x: Typed): void {
  const [rows, columns] = sizeOfMatrix(x);
  if (x.dtype !== 'float32' || x.shape.length < 2 || rows !== columns) {
    throw new Error(`${name}: takes square float32 matrices [..., n, n], not ${x.dtype}[${x.shape}]`);
  }
}

/** Each matrix transposed. */
export function transposed(x: Tensor): Tensor {
  const axes = [...x.shape.keys()];
  return transpose(x, [...axes.slice(0, -2), x.rank - 1, x.rank - 2]);
}

/** The symmetric part of each matrix, `(x + x^T) / 2`. */
export function symmetricPart(x: Tensor): Tensor {
  return mul(add(x, transposed(x)), 0.5);
}

/** `count` rows of each matrix, from row `first` on. */
export function rowsOf(x: Tensor, first: number, count: number): Tensor {
  const batch = batchOf(x);
  return slice(x, [...batch.map(() => 0), first, 0], [...batch, count, sizeOfMatrix(x)[1]]);
}

/** The leading columns of each matrix from column `first` on. */
export function columnsOf(x: Tensor, first: number, count: number): Tensor {
  const batch = batchOf(x);
  return slice(x, [...batch.map(() => 0), 0, first], [...batch, sizeOfMatrix(x)[0], count]);
}

/** Two tensors of matrices with the axes in front of them broadcast against each other. */
export function withSameBatch(name: string, a: Tensor, b: Tensor): readonly [Tensor, Tensor] {
  let batch: readonly number[];
  try {
    batch = broadcastShape(batchOf(a), batchOf(b));
  } catch {
    throw new Error(
      `${name}: the leading axes of [${a.shape}] and [${b.shape}] do not broadcast; make them equal or 1`,
    );
  }
  const spread = (x: Tensor): Tensor => broadcastTo(x, [...batch, ...sizeOfMatrix(x)]);
  return [spread(a), spread(b)];
}

/** `x` repeated along axes of length 1 and new leading ones. tfjs's op of this name fails where there are no elements. */
export function broadcastTo(x: Tensor, shape: readonly number[]): Tensor {
  return sameShape(x.shape, shape) ? x : record('BroadcastTo', [x], { shape });
}
