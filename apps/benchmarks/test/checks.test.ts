import { beforeAll, describe, expect, test } from 'vitest';
import { checkContender } from '../src/check.ts';
import { concatenate, separate } from '../src/checks/compare.ts';
import { accumulate } from '../src/checks/directions.ts';
import { startOf } from '../src/checks/start.ts';
import type { Contender, Quirk } from '../src/contender.ts';
import { networkLoops, tanh } from '../src/workloads/network-loops.ts';
import type { Algorithm, CurvatureWorkload, Likelihood, Named, Point, Values } from '../src/workloads/workload.ts';
import { mapNamed } from '../src/workloads/workload.ts';

const sizes = { inputs: 2, hidden: 3, classes: 3 };
const loops = networkLoops(sizes, tanh);
const arrays = (batch: Named<Values>) =>
  [batch.images!.values as Float32Array, batch.labels!.values as Int32Array] as const;
const waves = (shape: readonly number[], phase: number): Values => ({
  shape,
  values: Float32Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => Math.sin(1.7 * i + phase)),
});
const refused = () => {
  throw new Error('only the loops are needed here');
};
const model: Likelihood = {
  name: 'tanhNetwork',
  params: { bias1: waves([3], 1), bias2: waves([3], 2), weights1: waves([2, 3], 3), weights2: waves([3, 3], 4) },
  batches: [{ images: waves([5, 2], 5), labels: { shape: [5], values: Int32Array.of(0, 2, 1, 1, 0) } }],
  forward: refused,
  outer: refused,
  eagerLogLikelihood: refused,
  gradients: (params, batch) => loops.gradients(params, ...arrays(batch)),
  ggnTerms: (params, batch) => loops.ggnTerms(params, arrays(batch)[0]),
};
const workload = (algorithm: CurvatureWorkload['algorithm']): CurvatureWorkload => ({
  name: 'W',
  title: '',
  kind: 'curvature',
  model,
  algorithm,
});

/** A contender whose state after some steps is what a function says. */
const contender = (
  reach: (start: Point, algorithm: Algorithm, steps: number) => Point,
  quirks: readonly Quirk[] = [],
): Contender => ({
  name: 'a program',
  version: '1.0',
  quirks,
  advance: async (...of) => reach(...of),
  time: async () => 1,
  close() {},
});

const size = 3 + 3 + 6 + 9;
const batch = model.batches[0] as Named<Values>;
const outerProducts = (terms: Iterable<readonly [number, Float64Array]>): Float64Array => {
  const matrix = new Float64Array(size * size);
  for (const [weight, vector] of terms) {
    vector.forEach((value, row) => {
      accumulate(matrix.subarray(row * size, (row + 1) * size), weight * value, vector);
    });
  }
  return matrix;
};
let params: Named<Float64Array>;
let gradients: Float64Array[];
beforeAll(() => {
  params = startOf(model, { name: 'laplace.diagFisher' }).params;
  gradients = [...model.gradients(params, batch)];
});

describe('the loops of a network', () => {
  /** The sum of the log likelihoods. */
  const logLikelihood = (at: Named<Float64Array>): number => {
    let sum = 0;
    const [images, labels] = arrays(batch);
    labels.forEach((label, row) => {
      const unit = (j: number): number =>
        Math.tanh(at.bias1![j]! + images[2 * row]! * at.weights1![j]! + images[2 * row + 1]! * at.weights1![3 + j]!);
      const scores = [0, 1, 2].map((k) =>
        [0, 1, 2].reduce((s, j) => s + unit(j) * at.weights2![3 * j + k]!, at.bias2![k]!),
      );
      sum += scores[label]! - Math.log(scores.reduce((s, score) => s + Math.exp(score), 0));
    });
    return sum;
  };

  test('differentiate the log likelihood', () => {
    const total = new Float64Array(size);
    for (const gradient of gradients) accumulate(total, 1, gradient);
    const at = concatenate(params);
    total.forEach((slope, i) => {
      const [above, below] = [1e-5, -1e-5].map((distance) => {
        const moved = at.slice();
        moved[i]! += distance;
        return logLikelihood(separate(moved, params));
      }) as [number, number];
      expect(slope).toBeCloseTo((above - below) / 2e-5, 7);
    });
  });

  test('have Gauss-Newton terms that average the Fisher of the labels that the network would draw', () => {
    // The expectation of g gᵀ over labels of the network's own probabilities is its generalised Gauss-Newton matrix.
    const terms = [...model.ggnTerms!(params, batch)];
    const expected = new Float64Array(size * size);
    for (let k = 0; k < 3; k++) {
      const labels = { shape: [5], values: Int32Array.from({ length: 5 }, () => k) };
      [...model.gradients(params, { ...batch, labels })].forEach((gradient, row) => {
        accumulate(expected, 1, outerProducts([[terms[3 * row + k]![0], gradient]]));
      });
    }
    const matrix = outerProducts(terms);
    expect(Math.max(...matrix.map((value, i) => Math.abs(value - expected[i]!)))).toBeLessThan(1e-12);
  });
});

describe('a Laplace approximation', () => {
  const diagonal = (factor: number) =>
    contender((start, _, steps) => {
      const sum = new Float64Array(size);
      for (const gradient of gradients)
        accumulate(
          sum,
          steps * factor,
          gradient.map((value) => value * value),
        );
      return { params: start.params, companions: separate(sum, start.params) };
    });
  const matrix = (make: () => Float64Array) =>
    contender((start, _, steps) => ({
      params: start.params,
      companions: { matrix: make().map((value) => steps * value) },
    }));

  test('passes with its diagonal, and no other', async () => {
    await expect(checkContender(diagonal(1), workload({ name: 'laplace.diagFisher' }))).resolves.toBeUndefined();
    await expect(checkContender(diagonal(1.001), workload({ name: 'laplace.diagFisher' }))).rejects.toThrow(
      /^W, a program 1\.0: its precisions are off by 1\.00e-3 of the way \(allowed 0\.0001\)/,
    );
  });

  test('passes with its matrix, and not with that of another method', async () => {
    const fisher = matrix(() => outerProducts(gradients.map((gradient) => [1, gradient] as const)));
    const ggn = matrix(() => outerProducts(model.ggnTerms!(params, batch)));
    await expect(checkContender(fisher, workload({ name: 'laplace.denseFisher' }))).resolves.toBeUndefined();
    await expect(checkContender(ggn, workload({ name: 'laplace.denseGgn' }))).resolves.toBeUndefined();
    await expect(checkContender(ggn, workload({ name: 'laplace.denseFisher' }))).rejects.toThrow('its precision');
    await expect(checkContender(ggn, workload({ name: 'laplace.denseHessian' }))).rejects.toThrow('its precision');
  });

  test('passes with the Hessian', async () => {
    const hessian = matrix(() => {
      const rows = new Float64Array(size * size);
      for (let row = 0; row < size; row++) {
        for (const side of [1e-5, -1e-5]) {
          const moved = concatenate(params);
          moved[row]! += side;
          for (const gradient of model.gradients(separate(moved, params), batch)) {
            accumulate(rows.subarray(row * size, (row + 1) * size), -0.5 / side, gradient);
          }
        }
      }
      return rows;
    });
    await expect(checkContender(hessian, workload({ name: 'laplace.denseHessian' }))).resolves.toBeUndefined();
  });
});

describe('a filter', () => {
  const ekf = { name: 'ekf.denseFisher', learningRate: 1e-6, initSd: 2, transitionSd: 0 } as const;

  /** With one example the new covariance is known: Sherman and Morrison. */
  const one: CurvatureWorkload = {
    ...workload(ekf),
    model: {
      ...model,
      batches: [
        mapNamed(batch, ({ shape, values }) => ({
          shape: [1, ...shape.slice(1)],
          values: values.slice(0, values.length / 5),
        })),
      ],
    },
  };
  const filter = (sign: 1 | -1, quirks: readonly Quirk[] = []) =>
    contender((start, algorithm) => {
      const { learningRate: rate, initSd } = algorithm as typeof ekf;
      const gradient = gradients[0] as Float64Array;
      const square = gradient.reduce((sum, value) => sum + value * value, 0);
      const matrix = outerProducts([
        [(-sign * rate * initSd ** 4) / (1 + sign * rate * initSd ** 2 * square), gradient],
      ]);
      for (let i = 0; i < size; i++) matrix[i * (size + 1)]! += initSd ** 2;
      const step = Float64Array.from(gradient, (_, row) =>
        gradient.reduce((sum, value, column) => sum + rate * matrix[row * size + column]! * value, 0),
      );
      return { params: separate(accumulate(concatenate(start.params), 1, step), start.params), companions: { matrix } };
    }, quirks);

  test('passes if it adds the curvature, or says that it subtracts it', async () => {
    await expect(checkContender(filter(1), one)).resolves.toBeUndefined();
    await expect(checkContender(filter(-1), one)).rejects.toThrow('products of its covariance with the inverse');
    await expect(checkContender(filter(-1, ['curvatureSubtracted']), one)).resolves.toBeUndefined();
  });

  test('of a diagonal must take the path of the loops', async () => {
    const still = contender((start) => ({
      params: start.params,
      companions: mapNamed(start.params, (leaf) => leaf.map(() => 2)),
    }));
    const diagonal = workload({ name: 'ekf.diagFisher', learningRate: 1, initSd: 2, transitionSd: 0 });
    await expect(checkContender(still, diagonal)).rejects.toThrow(
      'its means after 3 steps are off by 1.00e+0 of the way',
    );
  });
});
