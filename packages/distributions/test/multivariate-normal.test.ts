import '@posteriors/backend/cpu';
import '@posteriors/backend/wasm';
import { grad, jit, vmap } from '@posteriors/autodiff';
import { setBackend } from '@posteriors/backend';
import { key, keyTensor, normal } from '@posteriors/random';
import { expectNoLeak } from '@posteriors/testing';
import {
  add,
  matMul,
  mul,
  reshape,
  scalar,
  slice,
  stack,
  sum,
  type Tensor,
  tensor1d,
  tensor2d,
  zeros,
} from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { type CovarianceForm, multivariateNormalLogProb, multivariateNormalSample } from '../src/index.ts';
import { asTensor, golden } from './golden.ts';

await setBackend('cpu');
beforeEach(() => setBackend('cpu'));

const formOf = (name: string, matrix: Tensor): CovarianceForm => ({ [name]: matrix }) as never;

const factor = tensor2d([[2, 0, 0], [-1, -0.5, 0], [0.3, 0.7, 1.5]]); // biome-ignore format: a matrix
const covariance = matMul(factor, factor, false, true);
const forms = { covariance: { covariance }, precision: { precision: covariance }, factor: { factor } };

describe.each(['cpu', 'wasm'] as const)('equals PyTorch on %s', (device) => {
  beforeEach(() => setBackend(device));

  test.each(golden.multivariateNormals.map((each) => [each.name, each] as const))('%s', (_, each) => {
    const [x, mean, matrix] = [each.x, each.mean, each.matrix].map(asTensor) as [Tensor, Tensor, Tensor];
    const form = formOf(each.form, matrix);
    const close = { rtol: 2e-5, atol: 2e-5 };
    expect(multivariateNormalLogProb(x, mean, form)).toBeAllClose(each.values, close);
    expect(multivariateNormalLogProb(x, mean, form, { normalize: false })).toBeAllClose(each.kernel, close);
    const total = (a: Tensor, m: Tensor, s: Tensor): Tensor =>
      sum(multivariateNormalLogProb(a, m, formOf(each.form, s)));
    expect(grad((a: Tensor) => total(a, mean, matrix))(x)).toBeAllClose(each.gradients.x, close);
    expect(grad((m: Tensor) => total(x, m, matrix))(mean)).toBeAllClose(each.gradients.mean, close);
    const gradient = grad((s: Tensor) => total(x, mean, s));
    expect(gradient(matrix)).toBeAllClose(each.gradients.matrix, { rtol: 1e-4, atol: 1e-4 });
    const product = grad((s: Tensor) => sum(mul(gradient(s), asTensor(each.direction))));
    const scale = Math.max(...(each.hessianProduct.flat(3) as number[]).map(Math.abs));
    expect(product(matrix)).toBeAllClose(each.hessianProduct, { rtol: 0, atol: 1e-4 * scale });
  });
});

describe('multivariateNormalLogProb', () => {
  test('takes a number or a scalar tensor for the mean', () => {
    const x = tensor2d([[1, 2, 3], [0, -1, 2]]); // biome-ignore format: rows
    for (const mean of [0, 0.7]) {
      const expected = multivariateNormalLogProb(x, tensor1d([mean, mean, mean]), forms.factor);
      expect(multivariateNormalLogProb(x, mean, forms.factor)).toBeAllClose(expected);
      expect(multivariateNormalLogProb(x, scalar(mean), forms.factor)).toBeAllClose(expected);
    }
  });

  test('takes a factor for 0 above its diagonal, and does not care for the signs of its columns', () => {
    const x = tensor1d([1, 2, 3]);
    const expected = multivariateNormalLogProb(x, 0, forms.covariance);
    expect(multivariateNormalLogProb(x, 0, forms.factor)).toBeAllClose(expected);
    const turned = mul(factor, tensor1d([-1, 1, -1]));
    expect(multivariateNormalLogProb(x, 0, { factor: turned })).toBeAllClose(expected);
    const dirty = add(factor, tensor2d([[0, 9, -4], [0, 0, 5], [0, 0, 0]])); // biome-ignore format: a matrix
    expect(multivariateNormalLogProb(x, 0, { factor: dirty })).toBeAllClose(expected);
    expect(multivariateNormalSample(key(1), 0, { factor: dirty })).toBeAllClose(
      multivariateNormalSample(key(1), 0, { factor }),
    );
  });

  test('of a diagonal covariance is a sum of normal densities', () => {
    const values = fc.array(fc.float({ noNaN: true, min: -5, max: 5 }), { minLength: 3, maxLength: 3 });
    const sds = fc.array(fc.float({ noNaN: true, min: 0.25, max: 4 }), { minLength: 3, maxLength: 3 });
    fc.assert(
      fc.property(values, values, sds, (x, mean, sd) => {
        const expected = x.reduce((total, value, i) => {
          const [m, s] = [mean[i]!, sd[i]!];
          return total - ((value - m) / s) ** 2 / 2 - Math.log(s) - Math.log(2 * Math.PI) / 2;
        }, 0);
        const diagonal = (power: number): Tensor =>
          tensor2d([0, 1, 2].map((i) => [0, 1, 2].map((j) => (i === j ? sd[i]! ** power : 0))));
        for (const form of [{ covariance: diagonal(2) }, { precision: diagonal(-2) }, { factor: diagonal(1) }]) {
          const value = multivariateNormalLogProb(tensor1d(x), tensor1d(mean), form);
          expect(value).toBeAllClose(expected, { rtol: 1e-4, atol: 1e-4 });
        }
      }),
      { numRuns: 20 },
    );
  });

  test('is the same compiled and mapped over vectors and matrices', () => {
    const xs = tensor2d([[1, 2, 3], [0, -1, 2]]); // biome-ignore format: rows
    for (const [name, form] of Object.entries(forms)) {
      const matrix = (form as { readonly [name: string]: Tensor })[name]!;
      const matrices = stack([matrix, mul(2, matrix)]);
      const f = (x: Tensor, s: Tensor): Tensor => multivariateNormalLogProb(x, 0.5, formOf(name, s));
      const each = [0, 1].map((i) => f(reshape(slice(xs, i, 1), [3]), i === 0 ? matrix : mul(2, matrix)));
      expect(vmap(f)(xs, matrices)).toBeAllClose(stack(each));
      expect(jit(vmap(f))(xs, matrices)).toBeAllClose(stack(each));
      expect(f(xs, matrices)).toBeAllClose(stack(each));
      expect(vmap(f, { inAxes: [0, null] })(xs, matrix)).toBeAllClose(f(xs, matrix));
    }
  });

  test('errors name what does not fit, and nothing is left', () => {
    const name = 'distributions.multivariateNormalLogProb';
    const says = (x: Tensor, mean: unknown, form: unknown, message: string): void =>
      expectNoLeak(() => {
        expect(() => multivariateNormalLogProb(x, mean as Tensor, form as CovarianceForm)).toThrow(
          message.startsWith('cholesky') ? message : `${name}: ${message}`,
        );
      });
    const [x, short, rows, wide] = [tensor1d([1, 2, 3]), tensor1d([1, 2]), zeros([4, 3]), zeros([2, 3])];
    const pair = stack([factor, factor]);
    says(short, 0, { covariance }, 'x has shape [2], and matrices [3,3] take vectors [..., 3]');
    says(scalar(1), 0, { covariance }, 'x has shape [], and matrices [3,3] take vectors [..., 3]');
    says(x, short, { covariance }, 'mean has shape [2], and matrices [3,3] take vectors [..., 3]');
    says(x, { m: x }, { covariance }, 'mean is no tensor, and matrices [3,3] take vectors [..., 3]');
    says(rows, 0, { factor: pair }, 'the leading axes of x [4,3] and of the matrices [2,3,3] do not broadcast');
    says(x, 0, { covariance: wide }, 'the covariance is float32[2,3] and must be float32 [..., n, n]');
    says(x, 0, { precision: x }, 'the precision is float32[3] and must be float32 [..., n, n]');
    says(x, 0, {}, 'the spread is given by {  } and must be given by one of { covariance }, { precision }, { factor }');
    says(x, 0, { covariance, factor }, 'the spread is given by { covariance, factor } and must be given by one of');
    says(x, 0, { factor: 2 }, 'the spread is given by { factor: number } and must be a tensor');
    says(x, 0, { scale: factor }, 'the spread is given by { scale } and must be given by one of');
    const indefinite = tensor2d([[1, 2, 0], [2, 1, 0], [0, 0, 1]]); // biome-ignore format: a matrix
    says(x, 0, { covariance: indefinite }, 'cholesky: the matrix is not positive definite: pivot 1 is -3');
    says(x, 0, { precision: indefinite }, 'cholesky: the matrix is not positive definite: pivot 1 is -3');
  });
});

describe('multivariateNormalSample', () => {
  test('is mean + A z, with A of each form', () => {
    const mean = tensor1d([1, 2, 3]);
    const z = normal(key(4), [5, 3]);
    const sample = (form: CovarianceForm): Tensor => multivariateNormalSample(key(4), mean, form, { sampleShape: [5] });
    expect(sample(forms.factor)).toBeAllClose(add(mean, matMul(z, factor, false, true)));
    // The Cholesky factor has a positive diagonal.
    const lower = mul(factor, tensor1d([1, -1, 1]));
    expect(sample(forms.covariance)).toBeAllClose(add(mean, matMul(z, lower, false, true)));
    // z = Lᵀ (x - mean)
    const offsets = add(sample(forms.precision), mul(-1, mean));
    expect(matMul(offsets, lower)).toBeAllClose(z);
  });

  test.each(['cpu', 'wasm'] as const)(
    'has the shape asked for in front of those of mean and matrix, on %s',
    async (device) => {
      await setBackend(device);
      const shape = (mean: number | Tensor, matrix: Tensor, sampleShape?: number[]) =>
        multivariateNormalSample(key(0), mean, { precision: matrix }, sampleShape ? { sampleShape } : {}).shape;
      const pair = stack([covariance, covariance]);
      expect(shape(0, covariance)).toEqual([3]);
      expect(shape(0, covariance, [4, 2])).toEqual([4, 2, 3]);
      expect(shape(zeros([5, 3]), covariance, [4])).toEqual([4, 5, 3]);
      expect(shape(scalar(1), pair)).toEqual([2, 3]);
      expect(shape(zeros([3]), pair, [4])).toEqual([4, 2, 3]);
      expect(shape(zeros([5, 1, 3]), pair, [4])).toEqual([4, 5, 2, 3]);
      expect(shape(zeros([3]), pair, [0])).toEqual([0, 2, 3]);
    },
  );

  test('of a batch of matrices draws by each', () => {
    const scales = stack([factor, mul(10, factor)]);
    const mean = tensor2d([[0, 0, 0], [5, 5, 5]]); // biome-ignore format: rows
    const drawn = multivariateNormalSample(key(2), mean, { factor: scales }, { sampleShape: [6] });
    const z = normal(key(2), [6, 2, 3]);
    const [first, second] = [0, 1].map((i) => reshape(slice(z, [0, i, 0], [6, 1, 3]), [6, 3])) as [Tensor, Tensor];
    const expected = stack(
      [matMul(first, factor, false, true), add(5, mul(10, matMul(second, factor, false, true)))],
      1,
    );
    expect(drawn).toBeAllClose(expected);
  });

  test.each(Object.keys(forms) as (keyof typeof forms)[])(
    'has the moments asked for, to 4 standard errors, by %s',
    (name) => {
      const count = 50_000;
      const mean = [1, -2, 0.5];
      const draws = multivariateNormalSample(key(6), tensor1d(mean), forms[name], { sampleShape: [count] });
      const rows = draws.arraySync() as unknown as number[][];
      const matrix = covariance.arraySync() as number[][];
      const expected = name === 'precision' ? inverse(matrix) : matrix;
      const average = [0, 1, 2].map((i) => rows.reduce((total, row) => total + row[i]!, 0) / count);
      for (const i of [0, 1, 2]) {
        expect(Math.abs(average[i]! - mean[i]!)).toBeLessThan(4 * Math.sqrt(expected[i]![i]! / count));
        for (const j of [0, 1, 2]) {
          const products = rows.reduce((total, row) => total + (row[i]! - average[i]!) * (row[j]! - average[j]!), 0);
          const error = Math.sqrt((expected[i]![i]! * expected[j]![j]! + expected[i]![j]! ** 2) / count);
          expect(Math.abs(products / (count - 1) - expected[i]![j]!)).toBeLessThan(4 * error);
        }
      }
    },
  );

  test('lets derivatives through to the mean and the matrix', () => {
    const z = normal(key(3), [4, 3]);
    const total = (mean: Tensor, form: CovarianceForm): Tensor =>
      sum(multivariateNormalSample(key(3), mean, form, { sampleShape: [4] }));
    expect(grad((mean: Tensor) => total(mean, forms.precision))(zeros([3]))).toBeAllClose([4, 4, 4]);
    const [a, b, c] = sum(z, 0).arraySync() as number[] as [number, number, number];
    const slope = grad((l: Tensor) => total(zeros([3]), { factor: l }))(factor);
    expect(slope).toBeAllClose([[a, 0, 0], [a, b, 0], [a, b, c]]); // biome-ignore format: a matrix
    for (const name of ['covariance', 'precision'] as const) {
      const f = (s: Tensor): Tensor => total(zeros([3]), formOf(name, s));
      const direction = tensor2d([[0.5, 0.2, -0.1], [0.2, 0.3, 0.4], [-0.1, 0.4, 0.7]]); // biome-ignore format: a matrix
      const step = 0.02;
      const [up, down] = [step, -step].map((t) => f(add(covariance, mul(t, direction))).dataSync()[0]!) as [
        number,
        number,
      ];
      const along = sum(mul(grad(f)(covariance), direction)).dataSync()[0]!;
      expect(along).toBeCloseTo((up - down) / (2 * step), 1);
      expect(Math.abs(along)).toBeGreaterThan(0.3);
    }
  });

  test('is the same compiled, with a key as an argument, and mapped over keys and matrices', () => {
    const keys = [key(1), key(2)];
    const matrices = stack([covariance, mul(2, covariance)]);
    const f = (k: Tensor, s: Tensor): Tensor => multivariateNormalSample(k, 1, { covariance: s }, { sampleShape: [2] });
    const expected = stack([0, 1].map((i) => f(keyTensor(keys[i]!), i === 0 ? covariance : mul(2, covariance))));
    expect(vmap(f)(keyTensor(keys), matrices)).toBeAllClose(expected);
    expect(jit(vmap(f))(keyTensor(keys), matrices)).toBeAllClose(expected);
  });

  test('the same key gives the same draws, another others', () => {
    const draw = (seed: number): number[] => [...multivariateNormalSample(key(seed), 0, { covariance }).dataSync()];
    expect(draw(1)).toEqual(draw(1));
    expect(draw(1)).not.toEqual(draw(2));
  });

  test('errors name what does not fit', () => {
    const sample = (mean: Tensor, form: CovarianceForm) => () => multivariateNormalSample(key(0), mean, form);
    const name = 'distributions.multivariateNormalSample';
    expect(sample(zeros([2]), { covariance })).toThrow(`${name}: mean has shape [2], and matrices [3,3] take vectors`);
    expect(sample(zeros([3]), { covariance, factor })).toThrow(`${name}: the spread is given by`);
  });
});

test('nothing leaks', () => {
  const mean = tensor1d([1, 2, 3]);
  expectNoLeak(() => {
    for (const form of Object.values(forms)) {
      multivariateNormalLogProb(mean, 0, form).dispose();
      multivariateNormalSample(key(1), mean, form, { sampleShape: [2] }).dispose();
      grad((x: Tensor) => multivariateNormalLogProb(x, mean, form))(mean).dispose();
    }
  });
});

function inverse(m: number[][]): number[][] {
  const [[a, b, c], [d, e, f], [g, h, i]] = m as [
    [number, number, number],
    [number, number, number],
    [number, number, number],
  ];
  const det = a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g);
  const adjugate = [
    [e * i - f * h, c * h - b * i, b * f - c * e],
    [f * g - d * i, a * i - c * g, c * d - a * f],
    [d * h - e * g, b * g - a * h, a * e - b * d],
  ];
  return adjugate.map((row) => row.map((value) => value / det));
}
