import { defineKernel, evaluate } from '@posteriors/autodiff';
import { type Aval, onWebGPU, withScratch } from '@posteriors/backend';
import { matMul, type Tensor } from '@tensorflow/tfjs-core';
import { type Compute, type ComputeInPlace, type Kernel, onHost, onWasm } from './kernels.host.ts';
import { countOf, requireSquare, sizeOfMatrix, symmetricPart, transposed } from './matrix.ts';
import { triangles } from './triangles.ts';
import { solveTriangular } from './triangular.ts';
import { choleskyShader } from './wgsl.ts';

const shape = ([a]: readonly Aval[]): Aval => {
  requireSquare('cholesky', a!);
  return a!;
};

/** Row after row (Cholesky-Banachiewicz), of each row four columns at a time: four sums do not wait for each other. */
const compute: Compute = (l, [a], { remedy }, where) => {
  const { values, rows: n } = a!;
  for (let i = 0; i < n; i++) {
    const row = i * n;
    let j = 0;
    for (; j + 4 <= i; j += 4) {
      const [first, second, third, fourth] = [j * n, (j + 1) * n, (j + 2) * n, (j + 3) * n] as const;
      let sum0 = values[row + j]!;
      let sum1 = values[row + j + 1]!;
      let sum2 = values[row + j + 2]!;
      let sum3 = values[row + j + 3]!;
      for (let k = 0; k < j; k++) {
        const factor = l[row + k]!;
        sum0 -= factor * l[first + k]!;
        sum1 -= factor * l[second + k]!;
        sum2 -= factor * l[third + k]!;
        sum3 -= factor * l[fourth + k]!;
      }
      l[row + j] = sum0 / l[first + j]!;
      l[row + j + 1] = withoutProducts(sum1, l, row, second, j, j + 1) / l[second + j + 1]!;
      l[row + j + 2] = withoutProducts(sum2, l, row, third, j, j + 2) / l[third + j + 2]!;
      l[row + j + 3] = withoutProducts(sum3, l, row, fourth, j, j + 3) / l[fourth + j + 3]!;
    }
    for (; j < i; j++) l[row + j] = withoutProducts(values[row + j]!, l, row, j * n, 0, j) / l[j * n + j]!;
    const pivot = withoutProducts(values[row + i]!, l, row, row, 0, i);
    if (!(pivot > 0)) throw notPositiveDefinite(i, pivot, where(), remedy as string);
    l[row + i] = Math.sqrt(pivot);
  }
};

/** `sum` minus the products of the elements `from` to `to` of two rows. */
function withoutProducts(sum: number, l: Float64Array, row: number, other: number, from: number, to: number): number {
  let rest = sum;
  for (let k = from; k < to; k++) rest -= l[row + k]! * l[other + k]!;
  return rest;
}

const computeInPlace: ComputeInPlace = (functions, out, [a], { device, attributes: { remedy } }, where) =>
  withScratch(device, functions.scratchBytes(out.rows, 0) >>> 0, (scratch) => {
    const failed = functions.cholesky(out.address, a!.address, out.count, out.rows, scratch);
    if (failed < 0) return;
    const row = failed % out.rows;
    throw notPositiveDefinite(row, functions.pivotOf(row, scratch), where((failed - row) / out.rows), remedy as string);
  });

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
    wasm: onWasm(shape, computeInPlace),
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
