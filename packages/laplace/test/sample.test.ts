import '@posteriors/backend/cpu';
import '@posteriors/backend/wasm';
import { vmap } from '@posteriors/autodiff';
import { setBackend } from '@posteriors/backend';
import { keyTensor, split, key as toKey } from '@posteriors/random';
import { expectNoLeak } from '@posteriors/testing';
import { disposeTensors } from '@posteriors/transform';
import { leaves, map, ravel, size, type TensorTree } from '@posteriors/tree';
import * as tf from '@tensorflow/tfjs-core';
import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { denseFisher, denseGgn, denseHessian, diagFisher, diagGgn } from '../src/index.ts';
import { inverse } from './inverse.ts';

await setBackend('cpu');
beforeEach(() => setBackend('cpu'));
afterEach(() => {
  vi.restoreAllMocks();
});

const diagonals = { diagFisher, diagGgn };
const denses = { denseFisher, denseGgn, denseHessian };

type Theta = { readonly a: tf.Tensor; readonly b: readonly [tf.Tensor] };
const params: Theta = { a: tf.tensor2d([[1, -2], [0.5, 3]]), b: [tf.scalar(-1)] }; // biome-ignore format: a matrix
const precDiag: Theta = { a: tf.tensor2d([[4, 0.25], [1, 100]]), b: [tf.scalar(2)] }; // biome-ignore format: a matrix
/** Diagonally dominant. */
const matrix = [
  [4, 1, 0.5, 0, -1],
  [1, 3, -0.5, 0.2, 0],
  [0.5, -0.5, 2, 0.3, 0.1],
  [0, 0.2, 0.3, 5, 1],
  [-1, 0, 0.1, 1, 4],
];
const prec = tf.tensor2d(matrix);
const count = 20_000;

const numbers = (tensor: tf.Tensor): number[] => Array.from(tensor.dataSync());
const flat = (tree: TensorTree): number[] => numbers(ravel(tree).flat);
/** Draws as rows, `[count, elements]`, in the order of the leaves. */
const rowsOf = (draws: TensorTree): tf.Tensor =>
  tf.concat(leaves(draws).map((leaf) => tf.reshape(leaf, [count, leaf.size / count])), 1); // biome-ignore format: one line

/** Means and covariances of rows. */
const momentsOf = (rows: tf.Tensor): { mean: number[]; cov: number[][] } => {
  const mean = tf.mean(rows, 0);
  const centred = tf.sub(rows, mean);
  return { mean: numbers(mean), cov: tf.div(tf.matMul(centred, centred, true), count).arraySync() as number[][] };
};

/** Expects the moments of normal draws to 4 standard errors. */
const expectMoments = (rows: tf.Tensor, mean: readonly number[], cov: readonly (readonly number[])[]): void => {
  const found = momentsOf(rows);
  mean.forEach((mu, i) => {
    expect(Math.abs(found.mean[i]! - mu)).toBeLessThan(4 * Math.sqrt(cov[i]![i]! / count));
    mean.forEach((_, j) => {
      const error = Math.sqrt((cov[i]![i]! * cov[j]![j]! + cov[i]![j]! ** 2) / count);
      expect(Math.abs(found.cov[i]![j]! - cov[i]![j]!)).toBeLessThan(4 * error);
    });
  });
};

describe.each(['cpu', 'wasm'] as const)('moments of 20,000 draws on %s', (device) => {
  beforeEach(() => setBackend(device));

  test.each([undefined, 0.25])('a diagonal precision at temperature %s', (temperature) => {
    const state = diagGgn.init(params, { initPrecDiag: precDiag });
    const options = temperature === undefined ? {} : { temperature };
    const draws = diagGgn.sample(state, { sampleShape: [count], seed: 1, ...options });
    const variances = flat(precDiag).map((precision) => (temperature ?? 1) / precision);
    expectMoments(rowsOf(draws), flat(params), variances.map((v, i) => variances.map((_, j) => (i === j ? v : 0)))); // biome-ignore format: one line
  });

  test.each([undefined, 0.25])('a full precision at temperature %s', (temperature) => {
    const state = denseGgn.init(params, { initPrec: prec });
    const options = temperature === undefined ? {} : { temperature };
    const draws = denseGgn.sample(state, { sampleShape: [count], seed: 2, ...options });
    const cov = inverse(matrix).map((row) => row.map((value) => (temperature ?? 1) * value));
    expectMoments(rowsOf(draws), flat(params), cov);
  });
});

describe.each(Object.entries({ ...diagonals, ...denses }))('%s', (name, algorithm) => {
  const isDense = name in denses;
  const start = (tree: TensorTree, key = toKey(0)): never =>
    algorithm.init(tree, { key, ...(isDense ? { initPrec: 2 } : { initPrecDiag: 2 }) } as object) as never;
  const draw = algorithm.sample as <P extends TensorTree>(state: { readonly params: P }, options?: object) => P;

  test('one draw by default, of leaves of any shape; sampleShape goes in front (guards against posteriors 0.1.2, where dense draws fail without a sample shape, and for matrices)', () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 3 }), { minLength: 1, maxLength: 3 }),
        fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 2 }),
        (shapes, sampleShape) => {
          const tree = { list: shapes.map((shape) => tf.ones(shape)) };
          const state = start(tree) as { readonly params: typeof tree };
          const shapesOf = (draws: TensorTree): number[][] => leaves(draws).map(({ shape }) => shape);
          expect(shapesOf(draw(state))).toEqual(shapes);
          expect(shapesOf(draw(state, { sampleShape }))).toEqual(shapes.map((shape) => [...sampleShape, ...shape]));
        },
      ),
      { numRuns: 20 },
    );
  });

  test('the seed, or its key, decides the draws; the key of the state has no part in them', () => {
    const [state, other] = [toKey(0), toKey(1)].map((key) => start(params, key) as { readonly params: Theta });
    const at = (from: { readonly params: Theta }, options?: object): number[] => flat(draw(from, options));
    expect(at(state!, { seed: 5 })).toEqual(at(other!, { seed: 5 }));
    expect(at(state!, { seed: 5 })).toEqual(at(state!, { key: toKey(5) }));
    expect(at(state!, { seed: 5 })).not.toEqual(at(state!, { seed: 6 }));
    expect(at(state!)).not.toEqual(at(state!));
  });

  test('the temperature scales what a draw is off the mean; at 0 it is the mean; a tensor will do', () => {
    const state = start(params) as { readonly params: Theta };
    const offset = (temperature: number | tf.Tensor): tf.Tensor =>
      tf.sub(ravel(draw(state, { seed: 3, temperature })).flat, ravel(params).flat);
    expect(offset(4)).toBeAllClose(tf.mul(2, offset(1)), { rtol: 1e-5, atol: 1e-6 });
    expect(offset(tf.scalar(4))).toBeAllClose(offset(4));
    expect(numbers(offset(0))).toEqual([0, 0, 0, 0, 0]);
    const says = `laplace.${name}.sample: temperature is -1 and must be a number that is not negative`;
    expect(() => draw(state, { temperature: -1 })).toThrow(says);
  });

  test('vmap over keys draws as one key after the other; nothing is left behind', () => {
    const state = start(params) as { readonly params: Theta };
    const keys = split(toKey(7), 3);
    const run = (): void => {
      const stacked = keyTensor(keys);
      const draws = vmap((key: tf.Tensor) => draw(state, { key }))(stacked);
      const single = keys.map((key) => draw(state, { key }));
      single.forEach((each, i) => {
        const part = map((leaf: tf.Tensor) => tf.gather(leaf, i), draws);
        expect(flat(part)).toBeAllClose(flat(each));
        disposeTensors(part);
      });
      disposeTensors([stacked, draws, single]);
    };
    expectNoLeak(() => tf.tidy(run));
    expectNoLeak(() => disposeTensors(draw(state, { sampleShape: [2], seed: 1 })));
  });
});

describe('a precision there is nothing to draw from', () => {
  test('diagonal: 0, negative or NaN, with the path, the element and what to do', () => {
    const call = (second: number) => () =>
      diagFisher.sample({ params, precDiag: { ...precDiag, a: tf.tensor2d([[4, second], [1, 1]]) } }); // biome-ignore format: a matrix
    const name = 'laplace.diagFisher.sample: precDiag $.a';
    expect(call(0)).toThrow(`${name} is 0 at element 1 and must be positive: give the precision of a prior`);
    expect(call(-2)).toThrow(`${name} is -2 at element 1 and must be positive: the log density curves upwards there`);
    expect(call(Number.NaN)).toThrow(
      `${name} is NaN at element 1 and must be positive: a log density of a batch has no`,
    );
  });

  test('dense: the same on the diagonal, and the pivot that fails', () => {
    const initial = denseHessian.init(params);
    expect(() => denseHessian.sample(initial)).toThrow(
      'laplace.denseHessian.sample: the diagonal of prec is 0 at element 0 and must be positive',
    );
    const singular = { params, prec: tf.ones([5, 5]) };
    expect(() => denseGgn.sample(singular)).toThrow(
      /^laplace\.denseGgn\.sample: .*not positive definite: pivot 1 is 0, and must be positive.*add a small multiple of the identity/,
    );
    expectNoLeak(() => expect(() => denseGgn.sample(singular)).toThrow('pivot'));
  });

  test('inside of a transform, where it cannot be read, the draw is not finite', () => {
    const draws = vmap((precision: tf.Tensor) =>
      diagFisher.sample({ params: tf.ones([1]), precDiag: precision }, { seed: 0 }),
    )(tf.zeros([2, 1]));
    expect(numbers(draws).some(Number.isFinite)).toBe(false);
  });

  test('near zero warns in words, once a state', () => {
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
    const diagonal = diagFisher.init(params, { initPrecDiag: 1e-8 });
    const dense = denseFisher.init(params, { initPrec: 1e-8 });
    for (let i = 0; i < 3; i++) {
      diagFisher.sample(diagonal, { seed: i });
      denseFisher.sample(dense, { seed: i });
    }
    expect(warn.mock.calls.map(([text]) => text)).toEqual([
      expect.stringMatching(/^laplace\.diagFisher\.sample: precDiag \$\.a is near zero: element 0 is .*e-9, a standard deviation of 10000/),
      expect.stringMatching(/^laplace\.denseFisher\.sample: the diagonal of prec is near zero: element 0 is .*give the precision of a prior/),
    ]); // biome-ignore format: messages
    diagFisher.sample(diagFisher.init(params, { initPrecDiag: 1e-4 }), { seed: 0 });
    expect(warn).toHaveBeenCalledTimes(2);
  });
});

test('the size of the matrix is that of the parameters', () => {
  expect(denseGgn.init(params, { initPrec: 1 }).prec.shape).toEqual([size(params), size(params)]);
});
