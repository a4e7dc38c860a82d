import { defineKernel, evaluate } from '@posteriors/autodiff';
import { type Aval, onWebGPU } from '@posteriors/backend';
import { matMul, type Tensor } from '@tensorflow/tfjs-core';
import { type Compute, type Kernel, onHost } from './kernels.host.ts';
import { countOf, requireSquare, sizeOfMatrix, symmetricPart, transposed } from './matrix.ts';
import { triangles } from './triangles.ts';
import { solveTriangular } from './triangular.ts';
import { choleskyShader } from './wgsl.ts';

const shape = ([a]: readonly Aval[]): Aval => {
  requireSquare('cholesky', a!);
  return a!;
};

/** Row after row (Cholesky-Banachiewicz). */
const compute: Compute = (l, [a], { remedy }, where) => {
  const { values, rows: n } = a!;
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = values[i * n + j]!;
      for (let k = 0; k < j; k++) sum -= l[i * n + k]! * l[j * n + k]!;
      if (i === j) {
        if (!(sum > 0)) throw notPositiveDefinite(i, sum, where(), remedy as string);
        l[i * n + i] = Math.sqrt(sum);
      } else {
        l[i * n + j] = sum / l[j * n + j]!;
      }
    }
  }
};

function notPositiveDefinite(index: number, pivot: number, where: string, remedy: string): Error {
  return new Error(
    `cholesky: the matrix is not positive definite: pivot ${index}${where} is ${pivot}, and must be positive. ${remedy}`,
  );
}

/** `Cholesky`: `[..., n, n] -> [..., n, n]`. */
const kernel: Kernel = defineKernel({
  name: 'Cholesky',
  shape,
  derivative: {
    // dL = L Phi(L^-1 dA L^-T), Phi: the lower triangle with half the diagonal (Murray 2016, "Differentiation of the Cholesky
    // decomposition", arXiv:1602.07527, equation 8).
    jvp([tangent], _inputs, l) {
      const half = solveTriangular(l, symmetricPart(tangent!));
      const inner = solveTriangular(l, transposed(half));
      return matMul(l, triangles(inner, { below: 1, diagonal: 0.5, above: 0 }));
    },
  },
  batch: (inputs, _, attributes) => kernel(inputs, attributes),
  run: {
    ...onHost(shape, compute),
    webgpu: onWebGPU('Cholesky', choleskyShader, (inputs) => {
      const result = shape(inputs);
      const count = countOf(result);
      return { ...result, workgroups: count, integers: [sizeOfMatrix(result)[0], count] };
    }),
  },
});

/**
 * The Cholesky factor of positive definite matrices: lower triangular `l` with positive diagonal and `a = l l^T`.
 *
 * Only the lower triangle of `a` is read. Derivatives take `a` as symmetric: a tangent counts by its symmetric part, so gradients are
 * symmetric, as in JAX and PyTorch.
 *
 * @param a symmetric float32 matrices `[..., n, n]`.
 * @param options.remedy what the error advises, where the caller knows better than to add a small multiple of the identity.
 * @returns `l`, `[..., n, n]`, zero above the diagonal. The caller owns it.
 * @throws on cpu and wasm if a matrix is not positive definite, with the index and the value of the pivot and the batch element; on
 *   webgpu the columns from that pivot on are NaN.
 */
export function cholesky(
  a: Tensor,
  { remedy = 'If it should be, add a small multiple of the identity' }: { readonly remedy?: string } = {},
): Tensor {
  return evaluate('cholesky', () => kernel([a], { remedy }));
}
