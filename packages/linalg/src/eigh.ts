import { defineKernel, evaluate } from '@posteriors/autodiff';
import { type Aval, onWebGPU } from '@posteriors/backend';
import { concat, matMul, mul, reshape, type Tensor } from '@tensorflow/tfjs-core';
import { reciprocalDifferences } from './gaps.ts';
import { symmetricEigen } from './jacobi.ts';
import { type Compute, type Kernel, onHost } from './kernels.host.ts';
import { batchOf, countOf, requireSquare, rowsOf, sizeOfMatrix, symmetricPart } from './matrix.ts';
import { diagonalOf } from './triangles.ts';
import { eighShader, eighWorkspace } from './wgsl-jacobi.ts';

/** A symmetric eigendecomposition, `a = vectors diag(values) vectors^T`. */
export type Eigh = {
  /** Eigenvalues in ascending order, `[..., n]`. */
  readonly values: Tensor;
  /** Unit eigenvectors in the columns, `[..., n, n]`. */
  readonly vectors: Tensor;
};

const shape = ([a]: readonly Aval[]): Aval => {
  requireSquare('eigh', a!);
  const [n] = sizeOfMatrix(a!);
  return { shape: [...batchOf(a!), 1 + n, n], dtype: 'float32' };
};

const compute: Compute = (out, [a]) => {
  const { values, rows: n } = a!;
  const full = new Float64Array(n * n);
  for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) full[i * n + j] = values[i >= j ? i * n + j : j * n + i]!;
  if (!full.every(Number.isFinite)) {
    out.fill(Number.NaN);
    return;
  }
  const eigen = symmetricEigen(full, n);
  out.set(eigen.values);
  for (let i = 0; i < n; i++) for (let k = 0; k < n; k++) out[(1 + k) * n + i] = eigen.vectors[i * n + k]!;
};

/** The values `[..., 1, n]` and the vectors `[..., n, n]` of the kernel's result. */
function parts(packed: Tensor): readonly [values: Tensor, vectors: Tensor] {
  const [, n] = sizeOfMatrix(packed);
  return [rowsOf(packed, 0, 1), rowsOf(packed, 1, n)];
}

/** `Eigh`: `[..., n, n] -> [..., 1 + n, n]`, the eigenvalues in the first row and the eigenvectors, as columns, below. */
const kernel: Kernel = defineKernel({
  name: 'Eigh',
  shape,
  derivative: {
    // With M = V^T dA V: dw = diag(M), dV = V (F * M), F_ij = 1 / (w_j - w_i) off the diagonal (Giles 2008, "An extended collection
    // of matrix derivative results", section 3.1).
    jvp([tangent], _inputs, packed) {
      const [values, vectors] = parts(packed);
      const inner = matMul(vectors, matMul(symmetricPart(tangent!), vectors), true, false);
      const movedVectors = matMul(vectors, mul(reciprocalDifferences(values), inner));
      return concat([reshape(diagonalOf(inner), values.shape), movedVectors], packed.rank - 2);
    },
  },
  batch: (inputs) => kernel(inputs),
  run: {
    ...onHost(shape, compute),
    webgpu: onWebGPU('Eigh', eighShader, (inputs) => {
      const result = shape(inputs);
      const [, n] = sizeOfMatrix(result);
      const count = countOf(result);
      return { ...result, workgroups: count, integers: [n, count], workspace: count * eighWorkspace(n) };
    }),
  },
});

/**
 * Eigenvalues and eigenvectors of symmetric matrices of up to about a hundred rows.
 *
 * Only the lower triangle of `a` is read; derivatives take `a` as symmetric, as those of {@link cholesky}. The sign of each vector is such
 * that the first of its elements that are the largest by magnitude (to a thousandth) is positive. Where eigenvalues are equal, the
 * derivative of the vectors does not exist, and what would be divided by their difference counts as zero: first derivatives of
 * functions that do not depend on the choice of vectors are right. Of a matrix that holds NaN or infinities all values and vectors are NaN. In
 * float64 on cpu and wasm, in float32 on webgpu.
 *
 * @param a symmetric float32 matrices `[..., n, n]`.
 * @returns `values` `[..., n]`, ascending, and `vectors` `[..., n, n]`, which the caller owns.
 */
export function eigh(a: Tensor): Eigh {
  return evaluate('eigh', () => {
    const [values, vectors] = parts(kernel([a]));
    return { values: reshape(values, a.shape.slice(0, -1)), vectors };
  });
}
