import { defineKernel } from '@posteriors/autodiff';
import { type Aval, onWebGPU, withScratch } from '@posteriors/backend';
import { add, matMul, neg } from '@tensorflow/tfjs-core';
import { type Compute, type ComputeInPlace, type Kernel, onHost, onWasm } from './kernels.host.ts';
import { countOf, requireSquare, sizeOfMatrix, transposed } from './matrix.ts';
import { divideRow, subtractRows } from './rows.ts';
import { triangles } from './triangles.ts';
import { solveTriangular } from './triangular.ts';
import { choleskyInverseShader } from './wgsl.ts';

const shape = ([l]: readonly Aval[]): Aval => {
  requireSquare('choleskyInverse', l!);
  return l!;
};

/** `x = l^-1` row after row, and `x^T x`, of which one triangle is computed. */
const compute: Compute = (out, [l]) => {
  const { values: factor, rows: n } = l!;
  const x = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    x[i * n + i] = 1;
    subtractRows(x, i * n, i, x, 0, n, i, (k) => factor[i * n + k]!);
    divideRow(x, i * n, i + 1, factor[i * n + i]!);
  }
  for (let i = 0; i < n; i++) {
    subtractRows(out, i * n, i + 1, x, i * n, n, n - i, (k) => -x[(i + k) * n + i]!);
    for (let j = 0; j < i; j++) out[j * n + i] = out[i * n + j]!;
  }
};

const computeInPlace: ComputeInPlace = (functions, { address, count, rows }, [l], { device }) =>
  withScratch(device, functions.inverseBytes(rows) >>> 0, (scratch) => {
    functions.choleskyInverse(address, l!.address, count, rows, scratch);
  });

/** `CholeskyInverse`: lower triangular `l`, `[..., n, n]`, to `(l l^T)^-1`, `[..., n, n]`. */
export const inverseOf: Kernel = defineKernel({
  name: 'CholeskyInverse',
  shape,
  derivative: {
    // Of a^-1 = (l l^T)^-1 it is -a^-1 (dL l^T + l dL^T) a^-1, and l^T a^-1 = l^-1.
    jvp([tangent], [l], inverse) {
      const part = triangles(tangent!, { below: 1, diagonal: 1, above: 0 });
      const half = solveTriangular(l!, transposed(matMul(inverse, part)), { transpose: true });
      return neg(add(half, transposed(half)));
    },
  },
  batch: (inputs) => inverseOf(inputs),
  run: {
    ...onHost(shape, compute),
    wasm: onWasm(shape, computeInPlace),
    webgpu: onWebGPU('CholeskyInverse', choleskyInverseShader, (inputs) => {
      const result = shape(inputs);
      const [n] = sizeOfMatrix(result);
      const workgroups = countOf(result) * n;
      return { ...result, workgroups, integers: [n, workgroups] };
    }),
  },
});
