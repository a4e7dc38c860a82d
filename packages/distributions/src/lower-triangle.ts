import { evaluate } from '@posteriors/autodiff';
import { record } from '@posteriors/backend';
import { concat, reshape, type Tensor, tensor2d, zeros } from '@tensorflow/tfjs-core';

/**
 * Lower triangular matrices of their elements in row-major order, `(0, 0), (1, 0), (1, 1), (2, 0) ...`: the factor of a covariance as
 * parameters that an optimiser moves.
 *
 * @param flat float32 `[..., n (n + 1) / 2]`.
 * @returns `[..., n, n]`, 0 above the diagonal, which the caller owns. Linear, and differentiable.
 * @throws if it is not float32 or its length is not that of a triangle.
 */
export function LFromFlat(flat: Tensor): Tensor {
  const name = 'distributions.LFromFlat';
  requireFloat(name, 'flat', flat);
  const length = flat.shape[flat.rank - 1];
  const n = Math.floor((Math.sqrt(1 + 8 * (length ?? 0)) - 1) / 2);
  if (length === undefined || (n * (n + 1)) / 2 !== length) {
    const [below, above] = [n, n + 1].map((rows) => (rows * (rows + 1)) / 2);
    const has = length === undefined ? 'is a scalar' : `has length ${length}`;
    throw new Error(
      `${name}: flat ${has}; a triangle of n rows has n (n + 1) / 2 elements, such as ${below} or ${above}`,
    );
  }
  return evaluate(name, () => {
    const batch = flat.shape.slice(0, -1);
    const zero = zeros([...batch, 1]);
    const places = Int32Array.from({ length: n * n }, (_, at) => {
      const [i, j] = [Math.floor(at / n), at % n];
      return j <= i ? (i * (i + 1)) / 2 + j : length;
    });
    return reshape(elementsAt(places, concat([flat, zero], flat.rank - 1)), [...batch, n, n]);
  });
}

/**
 * The elements of the lower triangle in row-major order, the inverse of {@link LFromFlat}. What is above the diagonal is not read.
 *
 * @param l float32 `[..., n, n]`.
 * @returns `[..., n (n + 1) / 2]`, which the caller owns. Linear, and differentiable.
 * @throws if the matrices are not square, or not float32.
 */
export function LToFlat(l: Tensor): Tensor {
  const name = 'distributions.LToFlat';
  requireFloat(name, 'l', l);
  const [n, columns] = l.shape.slice(-2);
  if (n === undefined || n !== columns) {
    throw new Error(`${name}: takes square matrices [..., n, n], not [${l.shape}]`);
  }
  return evaluate(name, () => {
    const places = Array.from({ length: n }, (_, i) => Array.from({ length: i + 1 }, (_, j) => i * n + j)).flat();
    return elementsAt(Int32Array.from(places), reshape(l, [...l.shape.slice(0, -2), n * n]));
  });
}

function requireFloat(name: string, what: string, { dtype, shape }: Tensor): void {
  if (dtype !== 'float32') throw new Error(`${name}: ${what} is ${dtype}[${shape}] and must be float32; cast it`);
}

/** The elements at these places of each row: `[..., m]` to `[..., count of places]`. */
function elementsAt(places: Int32Array, rows: Tensor): Tensor {
  const batch = rows.shape.slice(0, -1);
  const count = batch.reduce((product, size) => product * size, 1);
  const all = new Int32Array(count * places.length);
  for (let row = 0; row < count; row++) all.set(places, row * places.length);
  const lines = reshape(rows, [count, rows.shape[rows.rank - 1] as number]);
  const each = record('GatherEach', [lines, tensor2d(all, [count, places.length])]);
  return reshape(each, [...batch, places.length]);
}
