import { defineKernel, evaluate } from '@posteriors/autodiff';
import { type Aval, onWebGPU, sameShape, withScratch } from '@posteriors/backend';
import { matMul, neg, reshape, sub, type Tensor, transpose } from '@tensorflow/tfjs-core';
import { type Compute, type ComputeInPlace, type Kernel, onHost, onWasm } from './kernels.host.ts';
import { batchOf, broadcastTo, countOf, requireSquare, sizeOfMatrix, withSameBatch } from './matrix.ts';
import { divideRow, subtractRows } from './rows.ts';
import { triangles } from './triangles.ts';
import { triangularSolveShader } from './wgsl.ts';

export interface TriangularSolveOptions {
  /** Whether `l` is lower triangular (default) or upper; the other triangle is not read. */
  readonly lower?: boolean;
  /** Whether `l^T x = b` is solved. Default false. */
  readonly transpose?: boolean;
}

type Triangle = { readonly lower: boolean; readonly transpose: boolean };

const shape = ([l, b]: readonly Aval[]): Aval => {
  requireSquare('triangularSolve', l!);
  const fits =
    b!.dtype === 'float32' && sameShape(batchOf(l!), batchOf(b!)) && sizeOfMatrix(l!)[1] === sizeOfMatrix(b!)[0];
  if (!fits) {
    throw new Error(
      `triangularSolve: matrices [${l!.shape}] take right sides [..., ${sizeOfMatrix(l!)[0]}, k] of float32, not ${b!.dtype}[${b!.shape}]`,
    );
  }
  return b!;
};

/** Substitution, row after row: the rows that are solved are taken out of the next. */
const compute: Compute = (out, [l, b], attributes) => {
  const { lower, transpose } = attributes as Triangle;
  const { values: factor, rows: n } = l!;
  const { columns } = b!;
  const first = lower !== transpose ? 0 : n - 1;
  const direction = lower !== transpose ? 1 : -1;
  out.set(b!.values);
  for (let step = 0; step < n; step++) {
    const i = first + direction * step;
    subtractRows(out, i * columns, columns, out, first * columns, direction * columns, step, (solved) => {
      const k = first + direction * solved;
      return factor[transpose ? k * n + i : i * n + k]!;
    });
    divideRow(out, i * columns, columns, factor[i * n + i]!);
  }
};

const computeInPlace: ComputeInPlace = (functions, out, [l, b], { device, attributes }) => {
  const { lower, transpose } = attributes as Triangle;
  const { count, rows, columns } = out;
  withScratch(device, functions.scratchBytes(rows, columns) >>> 0, (scratch) => {
    const sizes = [count, rows, columns, Number(lower), Number(transpose)];
    functions.triangularSolve(out.address, l!.address, b!.address, ...sizes, scratch);
  });
};

/** `TriangularSolve {lower, transpose}`: `[..., n, n], [..., n, k] -> [..., n, k]`. */
const kernel: Kernel = defineKernel({
  name: 'TriangularSolve',
  shape,
  derivative: {
    // op(L) X = B, hence op(L) dX = dB - op(dL) X.
    jvp([tl, tb], [l], x, attributes) {
      const { lower, transpose } = attributes as Triangle;
      if (tl === null || tl === undefined) return kernel([l!, tb!], attributes);
      const part = triangles(tl, { below: lower ? 1 : 0, diagonal: 1, above: lower ? 0 : 1 });
      const moved = matMul(part, x, transpose, false);
      return kernel([l!, tb === null || tb === undefined ? neg(moved) : sub(tb, moved)], attributes);
    },
    transpose(index, cotangent, [l], attributes) {
      const { lower, transpose } = attributes as Triangle;
      return index === 1 ? kernel([l!, cotangent], { lower, transpose: !transpose }) : null;
    },
  },
  batch([l, b], [batchedL, batchedB], attributes, size) {
    if (!batchedL && l!.rank === 2) {
      // One matrix: all right sides next to each other.
      const [n, columns] = sizeOfMatrix(b!);
      const wide = kernel([l!, reshape(transpose(b!, [1, 0, 2]), [n, size * columns])], attributes);
      return transpose(reshape(wide, [n, size, columns]), [1, 0, 2]);
    }
    const whole = (x: Tensor, batched: boolean): Tensor => (batched ? x : broadcastTo(x, [size, ...x.shape]));
    return kernel([whole(l!, batchedL!), whole(b!, batchedB!)], attributes);
  },
  run: {
    ...onHost(shape, compute),
    wasm: onWasm(shape, computeInPlace),
    webgpu: onWebGPU('TriangularSolve', triangularSolveShader, (inputs, attributes) => {
      const { lower, transpose } = attributes as Triangle;
      const result = shape(inputs);
      const [n, columns] = sizeOfMatrix(result);
      const workgroups = countOf(result) * columns;
      return { ...result, workgroups, integers: [n, columns, workgroups, Number(lower), Number(transpose)] };
    }),
  },
});

/** {@link triangularSolve} of matrices with equal leading axes, for use in rules. */
export function solveTriangular(
  l: Tensor,
  b: Tensor,
  { lower = true, transpose = false }: TriangularSolveOptions = {},
): Tensor {
  return kernel([l, b], { lower, transpose });
}

/**
 * Solves `l x = b`, or `l^T x = b`, for triangular `l`, by substitution.
 *
 * The derivative with respect to `l` is that of the triangle which is read; it is zero elsewhere. A zero on the diagonal gives
 * infinite or undefined numbers, not an error.
 *
 * @param l float32 `[..., n, n]`, of which only one triangle is read.
 * @param b float32 `[..., n, k]`, or `[n]`. The leading axes of both broadcast.
 * @returns `x`, `[..., n, k]`, or `[..., n]` where `b` is a vector. The caller owns it.
 * @throws if the shapes do not fit.
 */
export function triangularSolve(l: Tensor, b: Tensor, options: TriangularSolveOptions = {}): Tensor {
  return evaluate('triangularSolve', () =>
    withColumns('triangularSolve', l, b, (matrices, columns) => solveTriangular(matrices, columns, options)),
  );
}

/** Calls `solve` with matrices and right sides of equal leading axes; a vector becomes a column, and the result a vector again. */
export function withColumns(name: string, l: Tensor, b: Tensor, solve: (l: Tensor, b: Tensor) => Tensor): Tensor {
  requireSquare(name, l);
  if (b.rank === 0) throw new Error(`${name}: the right side is a scalar; it must be [n] or [..., n, k]`);
  const [matrices, columns] = withSameBatch(name, l, b.rank === 1 ? reshape(b, [b.size, 1]) : b);
  const x = solve(matrices, columns);
  return b.rank === 1 ? reshape(x, x.shape.slice(0, -1)) : x;
}
