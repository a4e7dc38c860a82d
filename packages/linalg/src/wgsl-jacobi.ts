import { type Shader, WORKGROUP } from '@posteriors/backend';
import { divideByLargest, largestOf } from './wgsl-scale.ts';

/** Convergence takes fewer than ten sweeps; the bound ends the loop in any case. */
const SWEEPS = 20;

const EPSILON = 2 ** -23;

/**
 * What both methods share. In each round of a sweep the rows are paired off, by the schedule of a tournament, so that the pairs can be turned
 * at the same time. `turned` notes which threads have turned any.
 */
const rotations = `
${largestOf}
var<workgroup> turned : array<u32, ${WORKGROUP}>;
var<workgroup> moving : u32;
fn isMoving(lane : i32) -> bool {
  workgroupBarrier();
  if (lane == 0) {
    moving = 0u;
    for (var i = 0; i < ${WORKGROUP}; i++) {
      moving |= turned[i];
    }
  }
  return workgroupUniformLoad(&moving) != 0u;
}
fn pairOf(round : i32, pair : i32, players : i32) -> vec2<i32> {
  let last = players - 1;
  if (pair == 0) {
    return vec2<i32>(round, last);
  }
  let p = (round + pair) % last;
  let q = (round + last - pair) % last;
  return vec2<i32>(min(p, q), max(p, q));
}
// Cosine and sine of the rotation that makes the symmetric [[alpha, gamma], [gamma, beta]] diagonal, by the smaller angle.
fn rotationOf(alpha : f32, beta : f32, gamma : f32) -> vec2<f32> {
  let cotangent = (beta - alpha) / (2.0 * gamma);
  let tangent = select(1.0, -1.0, cotangent < 0.0) / (abs(cotangent) + sqrt(1.0 + cotangent * cotangent));
  let cosine = 1.0 / sqrt(1.0 + tangent * tangent);
  return vec2<f32>(cosine, tangent * cosine);
}
// The identity and what the rotation differs from it by, which rounding leaves a rotation: the squares of a rounded cosine and of the sine do not
// add to 1. (Rutishauser, The Jacobi method for real symmetric matrices, 1966.)
fn turn(p : i32, q : i32, rotation : vec2<f32>) {
  let x = result[p];
  let y = result[q];
  let tau = rotation.y / (1.0 + rotation.x);
  result[p] = x - rotation.y * (y + tau * x);
  result[q] = y + rotation.y * (x - tau * y);
}
// The sign that makes the first of the elements that are the largest by magnitude, to a thousandth, positive.
fn orientationOf(start : i32, step : i32, length : i32) -> f32 {
  var largest = 0.0;
  for (var i = 0; i < length; i++) {
    largest = max(largest, abs(result[start + i * step]));
  }
  for (var i = 0; i < length; i++) {
    let x = result[start + i * step];
    if (abs(x) >= 0.999 * largest) {
      return select(1.0, -1.0, x < 0.0);
    }
  }
  return 1.0;
}
// How many of the numbers are smaller than number i, or equal and in front of it. NaN counts as infinite, so that all places are taken.
fn placeOf(i : i32, start : i32, step : i32, length : i32) -> i32 {
  let x = orInfinite(result[start + i * step]);
  var place = 0;
  for (var j = 0; j < length; j++) {
    let y = orInfinite(result[start + j * step]);
    place += i32(y < x || (y == x && j < i));
  }
  return place;
}
// 1, or NaN for a matrix whose scale is: vectors that are turned from the unit matrix do not show it.
fn wholeOf(scale : f32) -> f32 {
  return select(1.0, uniforms.NAN, isnan(scale));
}
fn orInfinite(x : f32) -> f32 {
  if (isnan(x)) {
    return uniforms.INFINITY;
  }
  return x;
}
fn squareOf(start : i32, step : i32, length : i32) -> f32 {
  var sum = 0.0;
  for (var i = 0; i < length; i++) {
    sum += result[start + i * step] * result[start + i * step];
  }
  return sum;
}
`;

/**
 * Numbers that the shader keeps for each matrix behind the results: the matrix, the vectors in columns, and of each pair of a round the rotation
 * and the diagonal after it.
 */
export const eighWorkspace = (n: number): number => 2 * n * n + 2 * (n + 1);

/** `symmetricEigen` of jacobi.ts, one workgroup a matrix. */
export const eighShader: Shader = {
  reads: ['a'],
  integers: ['order', 'count'],
  main: `
${rotations}
fn main(index : i32) {
  let n = uniforms.order;
  let lane = index % ${WORKGROUP};
  let matrix = index / ${WORKGROUP};
  let inside = matrix < uniforms.count;
  let values = matrix * (n + 1) * n;
  let vectors = values + n;
  let work = uniforms.count * (n + 1) * n + matrix * 2 * (n * n + n + 1);
  let basis = work + n * n;
  let angles = basis + n * n;
  if (inside) {
    for (var item = lane; item < n * n; item += ${WORKGROUP}) {
      let i = item / n;
      let j = item % n;
      result[work + item] = a[matrix * n * n + max(i, j) * n + min(i, j)];
      result[basis + item] = f32(i == j);
    }
  }
${divideByLargest('work', 'n * n')}
  let players = n + n % 2;
  let pairs = players / 2;
  for (var sweep = 0; sweep < ${SWEEPS}; sweep++) {
    turned[lane] = 0u;
    for (var round = 0; round < players - 1; round++) {
      if (inside) {
        for (var pair = lane; pair < pairs; pair += ${WORKGROUP}) {
          let pq = pairOf(round, pair, players);
          let turning = angles + 4 * pair;
          var rotation = vec2<f32>(1.0, 0.0);
          if (pq.y < n) {
            let alpha = result[work + pq.x * n + pq.x];
            let beta = result[work + pq.y * n + pq.y];
            let gamma = result[work + pq.x * n + pq.y];
            if (abs(gamma) > max(${EPSILON ** 2}, ${EPSILON} * sqrt(abs(alpha * beta)))) {
              rotation = rotationOf(alpha, beta, gamma);
              turned[lane] = 1u;
              let change = rotation.y / rotation.x * gamma;
              result[turning + 2] = alpha - change;
              result[turning + 3] = beta + change;
            }
          }
          result[turning] = rotation.x;
          result[turning + 1] = rotation.y;
        }
      }
      storageBarrier();
      for (var side = 0; side < 2; side++) {
        if (inside) {
          for (var item = lane; item < pairs * n; item += ${WORKGROUP}) {
            let k = item % n;
            let pair = item / n;
            let pq = pairOf(round, pair, players);
            let turning = angles + 4 * pair;
            let rotation = vec2<f32>(result[turning], result[turning + 1]);
            if (pq.y < n && rotation.y != 0.0) {
              if (side == 0) {
                turn(work + pq.x * n + k, work + pq.y * n + k, rotation);
              } else {
                turn(work + k * n + pq.x, work + k * n + pq.y, rotation);
                turn(basis + k * n + pq.x, basis + k * n + pq.y, rotation);
                if (k == pq.x) {
                  result[work + k * n + pq.x] = result[turning + 2];
                  result[work + k * n + pq.y] = 0.0;
                }
                if (k == pq.y) {
                  result[work + k * n + pq.x] = 0.0;
                  result[work + k * n + pq.y] = result[turning + 3];
                }
              }
            }
          }
        }
        storageBarrier();
      }
    }
    if (!isMoving(lane)) {
      break;
    }
  }
  if (inside) {
    for (var i = lane; i < n; i += ${WORKGROUP}) {
      let place = placeOf(i, work, n + 1, n);
      result[values + place] = scale * result[work + i * n + i];
      let factor = wholeOf(scale) * orientationOf(basis + i, n, n) / sqrt(squareOf(basis + i, n, n));
      for (var k = 0; k < n; k++) {
        result[vectors + k * n + place] = factor * result[basis + k * n + i];
      }
    }
  }
}`,
};

/** Numbers that the shader keeps for each matrix behind the results: the columns, the right vectors, both in rows, and the negative lengths. */
export const svdWorkspace = (m: number, n: number): number => (m + n + 1) * n;

/** `singular` of jacobi.ts, one workgroup a matrix; each thread has every 64th pair of columns. */
export const svdShader: Shader = {
  reads: ['a'],
  integers: ['rows', 'columns', 'count'],
  main: `
${rotations}
// Sets column 'count' of the left vectors to a unit vector orthogonal to those before it.
fn complete(left : i32, count : i32) {
  let m = uniforms.rows;
  let n = uniforms.columns;
  for (var axis = 0; axis < m; axis++) {
    for (var k = 0; k < m; k++) {
      result[left + k * n + count] = f32(k == axis);
    }
    // The second time removes what rounding left.
    for (var time = 0; time < 2; time++) {
      for (var i = 0; i < count; i++) {
        var overlap = 0.0;
        for (var k = 0; k < m; k++) {
          overlap += result[left + k * n + count] * result[left + k * n + i];
        }
        for (var k = 0; k < m; k++) {
          result[left + k * n + count] -= overlap * result[left + k * n + i];
        }
      }
    }
    let length = sqrt(squareOf(left + count, n, m));
    // Of all axes at least one keeps a length of sqrt((m - count) / m).
    if (length >= 0.5 / sqrt(f32(m))) {
      for (var k = 0; k < m; k++) {
        result[left + k * n + count] /= length;
      }
      return;
    }
  }
}
fn main(index : i32) {
  let m = uniforms.rows;
  let n = uniforms.columns;
  let lane = index % ${WORKGROUP};
  let matrix = index / ${WORKGROUP};
  let inside = matrix < uniforms.count;
  let left = matrix * (m + 1 + n) * n;
  let values = left + m * n;
  let right = values + n;
  let work = uniforms.count * (m + 1 + n) * n + matrix * (m + 1 + n) * n;
  let basis = work + m * n;
  let negatives = basis + n * n;
  if (inside) {
    for (var item = lane; item < m * n; item += ${WORKGROUP}) {
      result[work + item] = a[matrix * m * n + item % m * n + item / m];
    }
    for (var item = lane; item < n * n; item += ${WORKGROUP}) {
      result[basis + item] = f32(item / n == item % n);
    }
  }
${divideByLargest('work', 'm * n')}
  let players = n + n % 2;
  // Rounding leaves about so much of the product of two columns.
  let tolerance = ${EPSILON} * sqrt(f32(m));
  for (var sweep = 0; sweep < ${SWEEPS}; sweep++) {
    turned[lane] = 0u;
    for (var round = 0; round < players - 1; round++) {
      if (inside) {
        for (var pair = lane; pair < players / 2; pair += ${WORKGROUP}) {
          let pq = pairOf(round, pair, players);
          if (pq.y < n) {
            let p = work + pq.x * m;
            let q = work + pq.y * m;
            let alpha = squareOf(p, 1, m);
            let beta = squareOf(q, 1, m);
            var gamma = 0.0;
            for (var k = 0; k < m; k++) {
              gamma += result[p + k] * result[q + k];
            }
            if (abs(gamma) > tolerance * sqrt(alpha) * sqrt(beta)) {
              turned[lane] = 1u;
              let rotation = rotationOf(alpha, beta, gamma);
              for (var k = 0; k < m; k++) {
                turn(p + k, q + k, rotation);
              }
              for (var k = 0; k < n; k++) {
                turn(basis + pq.x * n + k, basis + pq.y * n + k, rotation);
              }
            }
          }
        }
      }
      storageBarrier();
    }
    if (!isMoving(lane)) {
      break;
    }
  }
  if (inside) {
    for (var i = lane; i < n; i += ${WORKGROUP}) {
      result[negatives + i] = -sqrt(squareOf(work + i * m, 1, m));
    }
  }
  storageBarrier();
  if (inside) {
    for (var i = lane; i < n; i += ${WORKGROUP}) {
      let place = placeOf(i, negatives, 1, n);
      let length = -result[negatives + i];
      let sign = orientationOf(basis + i * n, 1, n);
      let factor = wholeOf(scale) * sign / sqrt(squareOf(basis + i * n, 1, n));
      result[values + place] = scale * length;
      for (var k = 0; k < n; k++) {
        result[right + k * n + place] = factor * result[basis + i * n + k];
      }
      for (var k = 0; k < m; k++) {
        result[left + k * n + place] = sign * result[work + i * m + k] / length;
      }
    }
  }
  storageBarrier();
  if (inside && lane == 0) {
    for (var i = 0; i < n; i++) {
      if (result[values + i] == 0.0) {
        complete(left, i);
      }
    }
  }
}`,
};
