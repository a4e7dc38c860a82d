/** Shaders. Loops that hold a barrier run equally often in every thread of a workgroup: their bounds are uniforms. */
import { type Shader, WORKGROUP } from '@posteriors/backend';

/** One workgroup a matrix, column after column; each thread has every 64th row. Columns from a pivot that is not positive on are NaN. */
export const choleskyShader: Shader = {
  reads: ['a'],
  integers: ['order', 'count'],
  main: `
fn main(index : i32) {
  let n = uniforms.order;
  let matrix = index / ${WORKGROUP};
  let start = matrix * n * n;
  for (var j = 0; j < n; j++) {
    if (matrix < uniforms.count) {
      let row = start + j * n;
      var pivot = a[row + j];
      for (var k = 0; k < j; k++) {
        pivot -= result[row + k] * result[row + k];
      }
      let root = select(sqrt(pivot), uniforms.NAN, pivot <= 0.0);
      for (var i = index % ${WORKGROUP}; i < n; i += ${WORKGROUP}) {
        let other = start + i * n;
        if (i < j) {
          result[other + j] = 0.0;
        } else if (i == j) {
          result[other + j] = root;
        } else {
          var sum = a[other + j];
          for (var k = 0; k < j; k++) {
            sum -= result[other + k] * result[row + k];
          }
          result[other + j] = sum / root;
        }
      }
    }
    storageBarrier();
  }
}`,
};

/**
 * Statements that solve `l x = b`, or `l^T x = b`, in place for the column of the result whose row i is at `start + i * columns`: each solved row
 * is taken out of the rows that follow, of which each thread has every 64th.
 *
 * @param forward, transpose - of type bool, in WGSL.
 */
const substitution = (forward: string, transpose: string): string => `
  storageBarrier();
  for (var step = 0; step < n; step++) {
    let i = select(n - 1 - step, step, ${forward});
    if (inside) {
      let x = result[start + i * columns] / l[matrix + i * n + i];
      for (var j = lane; j < n; j += ${WORKGROUP}) {
        if (j != i && (j > i) == ${forward}) {
          let factor = l[matrix + select(j * n + i, i * n + j, ${transpose})];
          result[start + j * columns] -= factor * x;
        }
      }
    }
    storageBarrier();
  }
  if (inside) {
    for (var i = lane; i < n; i += ${WORKGROUP}) {
      result[start + i * columns] /= l[matrix + i * n + i];
    }
  }`;

/** One workgroup a column of the right side. */
export const triangularSolveShader: Shader = {
  reads: ['l', 'b'],
  integers: ['order', 'columns', 'count', 'lower', 'transpose'],
  main: `
fn main(index : i32) {
  let n = uniforms.order;
  let columns = uniforms.columns;
  let lane = index % ${WORKGROUP};
  let group = index / ${WORKGROUP};
  let inside = group < uniforms.count;
  let matrix = group / columns * n * n;
  let start = group / columns * n * columns + group % columns;
  let forward = uniforms.lower != uniforms.transpose;
  if (inside) {
    for (var i = lane; i < n; i += ${WORKGROUP}) {
      result[start + i * columns] = b[start + i * columns];
    }
  }
${substitution('forward', 'uniforms.transpose == 1')}
}`,
};

/** One workgroup a column of the inverse. */
export const choleskyInverseShader: Shader = {
  reads: ['l'],
  integers: ['order', 'count'],
  main: `
fn main(index : i32) {
  let n = uniforms.order;
  let columns = n;
  let lane = index % ${WORKGROUP};
  let group = index / ${WORKGROUP};
  let inside = group < uniforms.count;
  let matrix = group / n * n * n;
  let start = matrix + group % n;
  if (inside) {
    for (var i = lane; i < n; i += ${WORKGROUP}) {
      result[start + i * n] = f32(i == group % n);
    }
  }
${substitution('true', 'false')}
${substitution('false', 'true')}
}`,
};

/** One thread an element. */
export const trianglesShader: Shader = {
  reads: ['x'],
  integers: ['rows', 'columns'],
  reals: ['below', 'diagonal', 'above'],
  statements: `
    let i = index / uniforms.columns % uniforms.rows;
    let j = index % uniforms.columns;
    let factor = select(select(uniforms.diagonal, uniforms.below, i > j), uniforms.above, i < j);
    var value = 0.0;
    if (factor != 0.0) {
      value = factor * x[index];
    }
    setOutputAtIndex(index, value);`,
};
