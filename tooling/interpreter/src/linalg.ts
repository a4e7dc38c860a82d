/** The kernels of @posteriors/linalg, each for one matrix after the other and by another method than there, where there is one. */
import type { Attributes } from '@posteriors/backend';
import { type NdArray, sameShape, showShape, sizeOf } from './array.ts';
import { booleanOf, numberOf } from './attributes.ts';
import { type Kernels, ofOne, ofTwo } from './kernel.ts';

/** A matrix as its rows. */
type Rows = Float64Array[];

export const linalg: Kernels = {
  Cholesky: ofOne((a) => eachMatrix([a], sizeOfMatrix(a), ([x]) => cholesky(x!))),

  TriangularSolve: ofTwo((l, b, attributes) => {
    if (!sameShape(l.shape.slice(0, -2), b.shape.slice(0, -2)) || l.shape.at(-1) !== b.shape.at(-2)) {
      throw new Error(`matrices ${showShape(l.shape)} do not fit right sides ${showShape(b.shape)}`);
    }
    const lower = booleanOf(attributes, 'lower');
    const transpose = booleanOf(attributes, 'transpose');
    return eachMatrix([l, b], sizeOfMatrix(b), ([factor, rows]) => solve(factor!, rows!, lower, transpose));
  }),

  CholeskyInverse: ofOne((l) =>
    eachMatrix([l], sizeOfMatrix(l), ([factor]) => {
      const n = factor!.length;
      return solve(factor!, solve(factor!, identity(n, n), true, false), true, true);
    }),
  ),

  Triangles: ofOne((x, attributes) => eachMatrix([x], sizeOfMatrix(x), ([rows]) => scaleParts(rows!, attributes))),

  Eigh: ofOne((a) => {
    const [, n] = sizeOfMatrix(a);
    return eachMatrix([a], [1 + n, n], ([x]) => {
      const { values, vectors } = eigen(x!);
      return [values, ...columnsOf(vectors, n)];
    });
  }),

  Qr: ofOne((a) => {
    const [m, n] = sizeOfMatrix(a);
    return eachMatrix([a], [m + n, n], ([x]) => {
      const { q, r } = gramSchmidt(columnsOf(x!, n));
      return [...columnsOf(q, m), ...r];
    });
  }),

  Svd: ofOne((a) => {
    const [m, n] = sizeOfMatrix(a);
    return eachMatrix([a], [m + 1 + n, n], ([x]) => {
      // The eigenvectors of a^T a, last to first. The columns of a must be linearly independent.
      const columns = columnsOf(x!, n);
      const right = eigen(columns.map((p) => Float64Array.from(columns, (q) => dot(p, q)))).vectors.reverse();
      const moved = right.map((v) => Float64Array.from(x!, (row) => dot(row, v)));
      const values = Float64Array.from(moved, (u) => Math.sqrt(dot(u, u)));
      const left = moved.map((u, i) => u.map((element) => element / values[i]!));
      return [...columnsOf(left, m), values, ...columnsOf(right, n)];
    });
  }),
};

/** Rows and columns of the matrices in an array. */
function sizeOfMatrix({ shape }: NdArray): readonly [number, number] {
  if (shape.length < 2) throw new Error(`takes matrices, but an input has shape ${showShape(shape)}`);
  return [shape.at(-2)!, shape.at(-1)!];
}

/** Applies `compute` to the matrices at each place of a batch, and makes an array of the results, which have the given size. */
function eachMatrix(
  inputs: readonly NdArray[],
  size: readonly [number, number],
  compute: (matrices: Rows[]) => Rows,
): NdArray {
  const batch = inputs[0]!.shape.slice(0, -2);
  const results = Array.from({ length: sizeOf(batch) }, (_, place) => {
    const matrices = inputs.map((input): Rows => {
      const [m, n] = sizeOfMatrix(input);
      return Array.from({ length: m }, (__, i) => input.values.slice((place * m + i) * n, (place * m + i + 1) * n));
    });
    return compute(matrices);
  });
  const values = Float64Array.from(results.flatMap((rows) => rows.flatMap((row) => [...row])));
  return { shape: [...batch, ...size], values };
}

function identity(m: number, n: number): Rows {
  return Array.from({ length: m }, (_, i) => Float64Array.from({ length: n }, (__, j) => (i === j ? 1 : 0)));
}

function columnsOf(rows: Rows, count: number): Rows {
  return Array.from({ length: count }, (_, j) => Float64Array.from(rows, (row) => row[j]!));
}

function dot(a: Float64Array, b: Float64Array): number {
  return a.reduce((sum, x, i) => sum + x * b[i]!, 0);
}

/** Column after column; NaN from a pivot on that is not positive. */
function cholesky(a: Rows): Rows {
  const l = a.map((row) => row.map(() => 0));
  for (let j = 0; j < a.length; j++) {
    for (let i = j; i < a.length; i++) {
      const rest = a[i]![j]! - dot(l[i]!.subarray(0, j), l[j]!.subarray(0, j));
      l[i]![j] = i === j ? Math.sqrt(rest) : rest / l[j]![j]!;
    }
  }
  return l;
}

function solve(l: Rows, b: Rows, lower: boolean, transpose: boolean): Rows {
  const at = (i: number, j: number): number => (transpose ? l[j]![i]! : l[i]![j]!);
  const x = b.map((row) => row.slice());
  const order = [...l.keys()];
  if (lower === transpose) order.reverse();
  order.forEach((i, step) => {
    for (let j = 0; j < x[i]!.length; j++) {
      const rest = order.slice(0, step).reduce((sum, k) => sum - at(i, k) * x[k]![j]!, b[i]![j]!);
      x[i]![j] = rest / at(i, i);
    }
  });
  return x;
}

function scaleParts(rows: Rows, attributes: Attributes): Rows {
  const below = numberOf(attributes, 'below');
  const diagonal = numberOf(attributes, 'diagonal');
  const above = numberOf(attributes, 'above');
  return rows.map((row, i) =>
    row.map((x, j) => {
      const factor = i > j ? below : i < j ? above : diagonal;
      return factor === 0 ? 0 : factor * x;
    }),
  );
}

/** The sign that makes the first element within a thousandth of the largest positive. */
function oriented(vector: Float64Array): Float64Array {
  const largest = vector.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
  const lead = vector.find((x) => Math.abs(x) >= 0.999 * largest) ?? 1;
  return lead < 0 ? vector.map((x) => -x) : vector;
}

/** Eigenvalues in ascending order and their vectors, of the symmetric matrix with this lower triangle: cyclic Jacobi rotations. */
function eigen(lower: Rows): { values: Float64Array; vectors: Rows } {
  const n = lower.length;
  let a: Rows = lower.map((row, i) => row.map((_, j) => (i >= j ? row[j]! : lower[j]![i]!)));
  let vectors = identity(n, n);
  for (let sweep = 0; sweep < 30; sweep++) {
    for (let p = 0; p < n; p++) {
      for (let q = p + 1; q < n; q++) {
        if (a[p]![q] === 0) continue;
        const angle = 0.5 * Math.atan2(2 * a[p]![q]!, a[q]![q]! - a[p]![p]!);
        const small = angle > Math.PI / 4 ? angle - Math.PI / 2 : angle < -Math.PI / 4 ? angle + Math.PI / 2 : angle;
        const turn = (rows: Rows): Rows => turned(rows, p, q, Math.cos(small), Math.sin(small));
        a = turn(columnsOf(turn(a), n));
        a[p]![q] = 0;
        a[q]![p] = 0;
        vectors = turn(vectors);
      }
    }
  }
  const order = [...lower.keys()].sort((i, j) => a[i]![i]! - a[j]![j]!);
  return { values: Float64Array.from(order, (i) => a[i]![i]!), vectors: order.map((i) => oriented(vectors[i]!)) };
}

function turned(rows: Rows, p: number, q: number, cosine: number, sine: number): Rows {
  const first = rows[p]!;
  const second = rows[q]!;
  return rows.map((row, i) => {
    if (i === p) return first.map((x, k) => cosine * x - sine * second[k]!);
    return i === q ? first.map((x, k) => sine * x + cosine * second[k]!) : row;
  });
}

/** Orthonormal columns and the upper triangle that makes them the given ones, which must be linearly independent. */
function gramSchmidt(columns: Rows): { q: Rows; r: Rows } {
  const n = columns.length;
  const q: Rows = [];
  const r = identity(n, n).map((row) => row.fill(0));
  columns.forEach((column, j) => {
    let rest = column;
    // The second pass removes what rounding left.
    for (let pass = 0; pass < 2; pass++) {
      q.forEach((unit, i) => {
        const overlap = dot(unit, rest);
        r[i]![j]! += overlap;
        rest = rest.map((x, k) => x - overlap * unit[k]!);
      });
    }
    r[j]![j] = Math.sqrt(dot(rest, rest));
    q.push(rest.map((x) => x / r[j]![j]!));
  });
  return { q, r };
}
