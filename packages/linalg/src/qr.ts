import { defineKernel, evaluate } from '@posteriors/autodiff';
import { type Aval, onWebGPU } from '@posteriors/backend';
import { concat, matMul, sub, type Tensor } from '@tensorflow/tfjs-core';
import { orthogonalise } from './householder.ts';
import { type Compute, type Kernel, onHost } from './kernels.host.ts';
import { batchOf, columnsOf, countOf, requireMatrices, rowsOf, sizeOfMatrix, transposed } from './matrix.ts';
import { triangles } from './triangles.ts';
import { solveTriangular } from './triangular.ts';
import { qrShader, qrWorkspace } from './wgsl-householder.ts';

/** A reduced QR factorisation, `a = q r`. */
export type Qr = {
  /** Orthonormal columns, `[..., m, k]`, k the smaller of m and n. */
  readonly q: Tensor;
  /** Upper triangular with a diagonal that is not negative, `[..., k, n]`. */
  readonly r: Tensor;
};

const shape = ([a]: readonly Aval[]): Aval => {
  const [m, n] = sizeOfMatrix(a!);
  return { shape: [...batchOf(a!), m + n, n], dtype: 'float32' };
};

const compute: Compute = (out, [a]) => {
  const { values, rows: m, columns: n } = a!;
  const work = Float64Array.from(values);
  orthogonalise(work, out, m, n);
  for (let i = 0; i < n; i++) for (let j = i; j < n; j++) out[(m + i) * n + j] = work[i * n + j]!;
};

/** `q` `[..., m, n]` and `r` `[..., n, n]` of the kernel's result. */
function parts(packed: Tensor): readonly [q: Tensor, r: Tensor] {
  const [rows, n] = sizeOfMatrix(packed);
  return [rowsOf(packed, 0, rows - n), rowsOf(packed, rows - n, n)];
}

/** `Qr`: `[..., m, n] -> [..., m + n, n]` for m >= n, q above r. */
const kernel: Kernel = defineKernel({
  name: 'Qr',
  shape,
  derivative: {
    // With X = dA R^-1, C = Q^T X and W = tril(C, -1) - tril(C, -1)^T: dQ = X + Q (W - C), dR = (C - W) R (Walter and Lehmann 2012,
    // "Algorithmic differentiation of linear algebra functions", arXiv:1001.1654, section 3).
    jvp([tangent], _inputs, packed) {
      const [q, r] = parts(packed);
      const x = transposed(solveTriangular(r, transposed(tangent!), { lower: false, transpose: true }));
      const c = matMul(q, x, true, false);
      const below = triangles(c, { below: 1, diagonal: 0, above: 0 });
      const upper = sub(c, sub(below, transposed(below)));
      return concat([sub(x, matMul(q, upper)), matMul(upper, r)], packed.rank - 2);
    },
  },
  batch: (inputs) => kernel(inputs),
  run: {
    ...onHost(shape, compute),
    webgpu: onWebGPU('Qr', qrShader, ([a]) => {
      const [m, n] = sizeOfMatrix(a!);
      const count = countOf(a!);
      return { ...shape([a!]), workgroups: count, integers: [m, n, count], workspace: count * qrWorkspace(m, n) };
    }),
  },
});

/**
 * The reduced QR factorisation, by Householder reflections.
 *
 * It is unique where the first k columns of a matrix are linearly independent, and only there it has a derivative. In float64 on cpu and
 * wasm, in float32 on webgpu.
 *
 * @param a float32 matrices `[..., m, n]`; k is the smaller of m and n.
 * @returns `q` `[..., m, k]` and `r` `[..., k, n]`, which the caller owns.
 */
export function qr(a: Tensor): Qr {
  return evaluate('qr', () => {
    requireMatrices('qr', a);
    const [m, n] = sizeOfMatrix(a);
    if (m >= n) {
      const [q, r] = parts(kernel([a]));
      return { q, r };
    }
    // The first m columns determine q.
    const [q, r] = parts(kernel([columnsOf(a, 0, m)]));
    return { q, r: concat([r, matMul(q, columnsOf(a, m, n - m), true, false)], a.rank - 1) };
  });
}
