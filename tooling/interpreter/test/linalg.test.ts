import { describe, expect, test } from 'vitest';
import { apply, array, float } from './build.ts';

/** Expects each element within rounding of float64. */
function expectClose(received: readonly number[], expected: readonly number[]): void {
  expect(received.length).toBe(expected.length);
  received.forEach((x, i) => {
    expect(x).toBeCloseTo(expected[i]!, 12);
  });
}

describe('Cholesky', () => {
  test('is the factor of each matrix, of its lower triangle', () => {
    const a = array([2, 2, 2], [4, 99, 2, 10, 9, 99, 0, 1]);
    expect(apply('Cholesky', [a], {}, float(2, 2, 2))).toEqual([2, 0, 1, 3, 3, 0, 0, 1]);
    expect(apply('Cholesky', [array([0, 0], [])], {}, float(0, 0))).toEqual([]);
  });

  test('takes matrices', () => {
    expect(() => apply('Cholesky', [array([2], [1, 2])], {}, float(2))).toThrow('takes matrices');
  });
});

describe('TriangularSolve', () => {
  // [[2, 0], [1, 4]] and [[2, 1], [0, 4]] in one array: only one triangle is read.
  const l = array([2, 2], [2, 1, 1, 4]);
  const b = array([2, 1], [2, 9]);
  test.each([
    [true, false, [1, 2]],
    [true, true, [-0.125, 2.25]],
    [false, false, [-0.125, 2.25]],
    [false, true, [1, 2]],
  ])('lower %s, transpose %s', (lower, transpose, expected) => {
    expect(apply('TriangularSolve', [l, b], { lower, transpose }, float(2, 1))).toEqual(expected);
  });

  test('shapes that do not fit', () => {
    const attributes = { lower: true, transpose: false };
    expect(() => apply('TriangularSolve', [l, array([1, 2], [1, 2])], attributes, float(1, 2))).toThrow(
      'matrices [2, 2] do not fit right sides [1, 2]',
    );
  });
});

test('CholeskyInverse is the inverse of l l^T', () => {
  // l l^T = [[4, 2], [2, 17]]
  const expected = [17 / 64, -2 / 64, -2 / 64, 4 / 64];
  expectClose(apply('CholeskyInverse', [array([2, 2], [2, 99, 1, 4])], {}, float(2, 2)), expected);
});

test('Triangles scales the parts of a matrix, and a part times 0 is 0', () => {
  const x = array([2, 3], [1, 2, Number.NaN, 4, 5, 6]);
  const factors = { below: 0.5, diagonal: 2, above: 0 };
  expect(apply('Triangles', [x], factors, float(2, 3))).toEqual([2, 0, 0, 2, 10, 0]);
});

test('Eigh', () => {
  const r = Math.SQRT1_2;
  expectClose(apply('Eigh', [array([2, 2], [2, 99, 1, 2])], {}, float(3, 2)), [1, 3, r, r, -r, r]);
  expectClose(apply('Eigh', [array([2, 2], [3, 0, 0, -1])], {}, float(3, 2)), [-1, 3, 0, 1, 1, 0]);
});

test('Qr', () => {
  // [[3, 1], [4, 2], [0, 2]] = [[.6, -.8 c], [.8, .6 c], [0, 5 c]] [[5, 2.2], [0, 0.4 / c]], hence c = sqrt(1 / 26)
  const c = Math.sqrt(1 / 26);
  const expected = [0.6, -0.8 * c, 0.8, 0.6 * c, 0, 5 * c, 5, 2.2, 0, 0.4 / c];
  expectClose(apply('Qr', [array([3, 2], [3, 1, 4, 2, 0, 2])], {}, float(5, 2)), expected);
});

test('Svd', () => {
  // [[0, 2], [-3, 0], [0, 0]]: 3 with u = -e1, v = e0, then 2 with u = e0, v = e1.
  const result = apply('Svd', [array([3, 2], [0, 2, -3, 0, 0, 0])], {}, float(6, 2));
  expectClose(result, [0, 1, -1, 0, 0, 0, 3, 2, 1, 0, 0, 1]);
});
