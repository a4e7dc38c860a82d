import { defineKernel, evaluate } from '@posteriors/autodiff';
import { type Aval, onWebGPU } from '@posteriors/backend';
import { add, concat, matMul, mul, reshape, sub, type Tensor } from '@tensorflow/tfjs-core';
import { reciprocalOrZero } from './gaps.ts';
import { singular } from './jacobi.ts';
import { type Compute, type Kernel, onHost } from './kernels.host.ts';
import { batchOf, countOf, requireMatrices, rowsOf, sizeOfMatrix, transposed } from './matrix.ts';
import { diagonalOf } from './triangles.ts';
import { svdShader, svdWorkspace } from './wgsl-jacobi.ts';

/** A reduced singular value decomposition, `a = u diag(values) v^T`. */
export type Svd = {
  /** Left singular vectors in the columns, `[..., m, k]`, k the smaller of m and n. */
  readonly u: Tensor;
  /** Singular values in descending order, `[..., k]`. */
  readonly values: Tensor;
  /** Right singular vectors in the columns, `[..., n, k]`. */
  readonly v: Tensor;
};

const shape = ([a]: readonly Aval[]): Aval => {
  const [m, n] = sizeOfMatrix(a!);
  return { shape: [...batchOf(a!), m + 1 + n, n], dtype: 'float32' };
};

const compute: Compute = (out, [a]) => {
  const { values: elements, rows: m, columns: n } = a!;
  if (!elements.every(Number.isFinite)) {
    out.fill(Number.NaN);
    return;
  }
  const columns = new Float64Array(n * m);
  for (let i = 0; i < m; i++) for (let j = 0; j < n; j++) columns[j * m + i] = elements[i * n + j]!;
  const { left, values, right } = singular(columns, m, n);
  for (let j = 0; j < n; j++) {
    for (let i = 0; i < m; i++) out[i * n + j] = left[j * m + i]!;
    out[m * n + j] = values[j]!;
    for (let i = 0; i < n; i++) out[(m + 1 + i) * n + j] = right[j * n + i]!;
  }
};

/** `u` `[..., m, n]`, the singular values `[..., 1, n]` and `v` `[..., n, n]` of the kernel's result. */
function parts(packed: Tensor): readonly [u: Tensor, values: Tensor, v: Tensor] {
  const [rows, n] = sizeOfMatrix(packed);
  const m = rows - 1 - n;
  return [rowsOf(packed, 0, m), rowsOf(packed, m, 1), rowsOf(packed, m + 1, n)];
}

/** `Svd`: `[..., m, n] -> [..., m + 1 + n, n]` for m >= n, u above the singular values above v. */
const kernel: Kernel = defineKernel({
  name: 'Svd',
  shape,
  derivative: {
    // With D = U^T dA V, S = diag(s) and F_ij = 1 / (s_j^2 - s_i^2) off the diagonal: ds = diag(D), dU = U (F * (D S + S D^T)) +
    // (dA V - U D) S^-1, dV = V (F * (S D + D^T S)) (Townsend 2016, "Differentiating the singular value decomposition").
    jvp([tangent], _inputs, packed) {
      const [u, s, v] = parts(packed);
      const moved = matMul(tangent!, v);
      const d = matMul(u, moved, true, false);
      const rows = transposed(s);
      const gaps = reciprocalOrZero(mul(sub(s, rows), add(s, rows)));
      const ds = mul(d, s);
      const sd = mul(rows, d);
      const within = matMul(u, mul(gaps, add(ds, transposed(ds))));
      const [m, n] = sizeOfMatrix(u);
      const du = m === n ? within : add(within, mul(sub(moved, matMul(u, d)), reciprocalOrZero(s)));
      const dv = matMul(v, mul(gaps, add(sd, transposed(sd))));
      return concat([du, reshape(diagonalOf(d), s.shape), dv], packed.rank - 2);
    },
  },
  batch: (inputs) => kernel(inputs),
  run: {
    ...onHost(shape, compute),
    webgpu: onWebGPU('Svd', svdShader, ([a]) => {
      const [m, n] = sizeOfMatrix(a!);
      const count = countOf(a!);
      return { ...shape([a!]), workgroups: count, integers: [m, n, count], workspace: count * svdWorkspace(m, n) };
    }),
  },
});

/**
 * The reduced singular value decomposition, of matrices whose smaller side is up to about a hundred.
 *
 * The signs are such that of each vector of the smaller side (of `v` where m >= n, else of `u`) the first of its elements that are the
 * largest by magnitude (to a thousandth) is positive. Where singular values are equal, or zero, the derivative of the vectors does not
 * exist, and what would be divided by zero counts as zero: where values are equal and not zero, first derivatives of functions that
 * do not depend on the choice of vectors are right. Of a matrix that holds NaN or infinities all factors are NaN. In float64 on cpu and wasm,
 * in float32 on webgpu.
 *
 * @param a float32 matrices `[..., m, n]`; k is the smaller of m and n.
 * @returns `u` `[..., m, k]`, `values` `[..., k]`, descending, and `v` `[..., n, k]` (not transposed), which the caller owns.
 */
export function svd(a: Tensor): Svd {
  return evaluate('svd', () => {
    requireMatrices('svd', a);
    const [m, n] = sizeOfMatrix(a);
    const [long, values, short] = parts(kernel([m >= n ? a : transposed(a)]));
    const flat = reshape(values, [...batchOf(a), Math.min(m, n)]);
    return m >= n ? { u: long, values: flat, v: short } : { u: short, values: flat, v: long };
  });
}
