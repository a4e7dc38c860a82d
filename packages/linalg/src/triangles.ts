/** Parts of matrices: the triangles below and above the diagonal, and the diagonal. */
import { defineKernel } from '@posteriors/autodiff';
import { type Aval, onWebGPU } from '@posteriors/backend';
import { gather, range, reshape, type Tensor } from '@tensorflow/tfjs-core';
import { type Compute, type ComputeInPlace, type Kernel, onHost, onWasm } from './kernels.host.ts';
import { batchOf, sizeOfMatrix } from './matrix.ts';
import { trianglesShader } from './wgsl.ts';

/** What the parts of a matrix are multiplied by; a part times 0 is 0, whatever it holds. */
type Factors = { readonly below: number; readonly diagonal: number; readonly above: number };

const shape = ([x]: readonly Aval[]): Aval => x!;

const compute: Compute = (out, [x], attributes) => {
  const { below, diagonal, above } = attributes as Factors;
  const { values, rows, columns } = x!;
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      const factor = i > j ? below : i < j ? above : diagonal;
      if (factor !== 0) out[i * columns + j] = factor * values[i * columns + j]!;
    }
  }
};

const computeInPlace: ComputeInPlace = (functions, out, [x], { attributes }) => {
  const { below, diagonal, above } = attributes as Factors;
  functions.triangles(out.address, x!.address, out.count, out.rows, out.columns, below, diagonal, above);
};

const kernel: Kernel = defineKernel({
  name: 'Triangles',
  shape,
  // Each element times a number: its own transpose.
  derivative: { transpose: (_, cotangent, _inputs, attributes) => kernel([cotangent], attributes) },
  batch: (inputs, _batched, attributes) => kernel(inputs, attributes),
  run: {
    ...onHost(shape, compute),
    wasm: onWasm(shape, computeInPlace),
    webgpu: onWebGPU('Triangles', trianglesShader, ([x], attributes) => {
      const { below, diagonal, above } = attributes as Factors;
      return { shape: x!.shape, integers: sizeOfMatrix(x!), reals: [below, diagonal, above] };
    }),
  },
});

/** Each matrix with its parts multiplied by numbers: `[..., m, n]` to `[..., m, n]`. */
export function triangles(x: Tensor, { below, diagonal, above }: Factors): Tensor {
  return kernel([x], { below, diagonal, above });
}

/** The diagonal of each matrix: `[..., n, n]` to `[..., n]`. */
export function diagonalOf(x: Tensor): Tensor {
  const [n] = sizeOfMatrix(x);
  const rows = reshape(x, [...batchOf(x), n * n]);
  return gather(rows, range(0, n * n, n + 1, 'int32'), rows.rank - 1);
}
