import { type Shader, WORKGROUP } from '@posteriors/backend';
import { divideByLargest, largestOf } from './wgsl-scale.ts';

/** Numbers that the shader keeps for each matrix behind the results. */
export const qrWorkspace = (rows: number, columns: number): number => (rows + 1) * columns;

/** `orthogonalise` of householder.ts, one workgroup a matrix; each thread has every 64th column. */
export const qrShader: Shader = {
  reads: ['a'],
  integers: ['rows', 'columns', 'count'],
  main: `
${largestOf}
// Column of n elements in a row, from x on, reflected by the reflector in column k from v on.
fn reflect(x : i32, v : i32, k : i32, diagonal : f32) {
  let n = uniforms.columns;
  let half = -diagonal * result[v + k * n + k];
  if (half == 0.0) {
    return;
  }
  var overlap = 0.0;
  for (var i = k; i < uniforms.rows; i++) {
    overlap += result[v + i * n + k] * result[x + i * n];
  }
  for (var i = k; i < uniforms.rows; i++) {
    result[x + i * n] -= overlap / half * result[v + i * n + k];
  }
}
fn main(index : i32) {
  let m = uniforms.rows;
  let n = uniforms.columns;
  let lane = index % ${WORKGROUP};
  let matrix = index / ${WORKGROUP};
  let inside = matrix < uniforms.count;
  let q = matrix * (m + n) * n;
  let r = q + m * n;
  let work = uniforms.count * (m + n) * n + matrix * (m + 1) * n;
  let diagonals = work + m * n;
  if (inside) {
    for (var i = lane; i < m * n; i += ${WORKGROUP}) {
      result[work + i] = a[matrix * m * n + i];
      result[q + i] = f32(i / n == i % n);
    }
  }
${divideByLargest('work', 'm * n')}
  for (var k = 0; k < n; k++) {
    if (inside && lane == 0) {
      var square = 0.0;
      for (var i = k; i < m; i++) {
        square += result[work + i * n + k] * result[work + i * n + k];
      }
      let head = result[work + k * n + k];
      let diagonal = select(sqrt(square), -sqrt(square), head > 0.0);
      result[diagonals + k] = diagonal;
      result[work + k * n + k] = head - diagonal;
    }
    storageBarrier();
    if (inside) {
      for (var j = lane; j < n; j += ${WORKGROUP}) {
        if (j > k) {
          reflect(work + j, work, k, result[diagonals + k]);
        }
      }
    }
    storageBarrier();
  }
  if (inside) {
    for (var j = lane; j < n; j += ${WORKGROUP}) {
      for (var k = j; k >= 0; k--) {
        reflect(q + j, work, k, result[diagonals + k]);
      }
      let sign = select(1.0, -1.0, result[diagonals + j] < 0.0);
      for (var i = 0; i < m; i++) {
        result[q + i * n + j] *= sign;
      }
      for (var i = 0; i < n; i++) {
        let flip = select(1.0, -1.0, result[diagonals + i] < 0.0);
        let value = flip * scale * select(result[work + i * n + j], result[diagonals + i], i == j);
        result[r + i * n + j] = select(value, 0.0, i > j);
      }
    }
  }
}`,
};
