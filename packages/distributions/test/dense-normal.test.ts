import '@posteriors/backend/cpu';
import '@posteriors/backend/wasm';
import { grad, jit, vmap } from '@posteriors/autodiff';
import { setBackend } from '@posteriors/backend';
import { key, keyTensor } from '@posteriors/random';
import { expectNoLeak } from '@posteriors/testing';
import { leaves, ravel } from '@posteriors/tree';
import {
  add,
  eye,
  fill,
  matMul,
  mul,
  scalar,
  stack,
  sum,
  type Tensor,
  tensor,
  tensor1d,
  zeros,
} from '@tensorflow/tfjs-core';
import { beforeEach, describe, expect, test } from 'vitest';
import {
  type CovarianceForm,
  denseNormalLogProb,
  denseNormalSample,
  diagNormalLogProb,
  multivariateNormalLogProb,
  multivariateNormalSample,
} from '../src/index.ts';

await setBackend('cpu');
beforeEach(() => setBackend('cpu'));

/** A symmetric positive definite matrix. */
const matrixOf = (n: number): Tensor => {
  const root = tensor(Array.from({ length: n * n }, (_, i) => Math.sin(3 * i + 1)), [n, n]); // biome-ignore format: one line
  return add(mul(0.3, matMul(root, root, false, true)), eye(n));
};

const trees = {
  vector: tensor1d([1, -2, 0.5]),
  matrix: tensor([1, 2, 3, 4, 5, 6], [2, 3]),
  nested: { layers: [{ weight: tensor([1, 2, 3, 4], [2, 2]), bias: tensor1d([5, 6]) }, null], scale: scalar(7) },
  'one parameter': { only: tensor1d([0.3]) },
  'with an empty leaf': { a: zeros([0, 3]), b: tensor1d([1, 2]) },
};
const cases = Object.entries(trees) as [string, (typeof trees)['nested']][];
const formsOf = (n: number): CovarianceForm[] => [
  { covariance: matrixOf(n) },
  { precision: matrixOf(n) },
  { factor: matrixOf(n) },
];

describe.each(['cpu', 'wasm'] as const)('on %s, of a tree', (device) => {
  beforeEach(() => setBackend(device));

  test.each(cases)('%s: is the density and the sample of its elements in ravel order', (_, tree) => {
    const { flat, unravel } = ravel(tree);
    const mean = unravel(mul(0.5, flat));
    for (const form of formsOf(flat.size)) {
      const value = denseNormalLogProb(tree, mean, form);
      expect(value.shape).toEqual([]);
      expect(value).toBeAllClose(multivariateNormalLogProb(flat, mul(0.5, flat), form));
      const kernel = denseNormalLogProb(tree, mean, form, { normalize: false });
      expect(kernel).toBeAllClose(multivariateNormalLogProb(flat, mul(0.5, flat), form, { normalize: false }));
      const one = multivariateNormalSample(key(1), flat, form);
      expect(denseNormalSample(key(1), tree, form)).toBeAllClose(unravel(one));
    }
  });

  test.each(cases)('%s: puts the sample shape in front', (_, tree) => {
    const { flat } = ravel(tree);
    const form = { covariance: matrixOf(flat.size) };
    const drawn = denseNormalSample(key(2), tree, form, { sampleShape: [4, 2] });
    expect(leaves(drawn).map(({ shape }) => shape)).toEqual(leaves(tree).map(({ shape }) => [4, 2, ...shape]));
    const flats = multivariateNormalSample(key(2), flat, form, { sampleShape: [4, 2] });
    expect(vmap(vmap((each: typeof tree) => ravel(each).flat as Tensor))(drawn)).toBeAllClose(flats);
  });
});

describe('denseNormalLogProb', () => {
  const x = { b: tensor1d([1, 2]), w: tensor([3, 4, 5, 6], [2, 2]) };

  test('takes a number, a scalar tensor, or a tree that broadcasts for the mean, whatever the size', () => {
    const form = { factor: matrixOf(6) };
    const expected = denseNormalLogProb(x, { b: fill([2], 2), w: fill([2, 2], 2) }, form);
    expect(denseNormalLogProb(x, 2, form)).toBeAllClose(expected);
    expect(denseNormalLogProb(x, scalar(2), form)).toBeAllClose(expected);
    expect(denseNormalLogProb(x, { b: scalar(2), w: fill([2], 2) }, form)).toBeAllClose(expected);
    const one = { only: tensor1d([0.5]) };
    expect(denseNormalLogProb(one, { only: tensor1d([0.1]) }, { covariance: tensor([4], [1, 1]) })).toBeAllClose(
      diagNormalLogProb(one, 0.1, 2),
    );
  });

  test('has gradients like the trees', () => {
    const form = { precision: matrixOf(6) };
    const { flat, unravel } = ravel(x);
    const gradient = grad((tree: typeof x) => denseNormalLogProb(tree, 1, form))(x);
    expect(gradient).toBeAllClose(unravel(grad((v: Tensor) => multivariateNormalLogProb(v, 1, form))(flat)));
    const byMean = grad((mean: typeof x) => denseNormalLogProb(x, mean, form))(unravel(fill([6], 1)));
    expect(byMean).toBeAllClose(unravel(mul(-1, ravel(gradient).flat)));
  });

  test('errors name what does not fit', () => {
    const name = 'distributions.denseNormalLogProb';
    expect(() => denseNormalLogProb(x, { b: scalar(1) }, { covariance: eye(6) })).toThrow(
      `${name}: mean has the structure {b: *} and x has {b: *, w: *}; give a number, a scalar tensor, or a tree like x`,
    );
    expect(() => denseNormalLogProb(x, 0, { covariance: eye(5) })).toThrow(
      `${name}: the covariance has shape [5,5], and x has 6 elements in all, which takes [6,6]`,
    );
    expect(() => denseNormalLogProb(x, 0, {} as never)).toThrow(/must be given by one of { covariance }/);
  });
});

describe('denseNormalSample', () => {
  test('lets derivatives through to the tree and the matrix', () => {
    const { nested } = trees;
    const total = (mean: typeof nested, factor: Tensor): Tensor =>
      leaves(denseNormalSample(key(5), mean, { factor }, { sampleShape: [3] }))
        .map((leaf) => sum(leaf))
        .reduce((a, b) => add(a, b));
    const slope = grad((mean: typeof nested) => total(mean, eye(7)))(nested);
    expect(leaves(slope)).toBeAllClose([[3, 3], [[3, 3], [3, 3]], 3]); // biome-ignore format: leaves
    expect(grad((factor: Tensor) => total(nested, factor))(eye(7)).shape).toEqual([7, 7]);
  });

  test('is the same compiled, with keys as arguments, and mapped over means and keys', () => {
    const { nested } = trees;
    const form = { covariance: matrixOf(7) };
    const keys = [key(1), key(2)];
    const f = (k: Tensor) => ravel(denseNormalSample(k, nested, form)).flat as Tensor;
    const expected = stack(keys.map((each) => f(keyTensor(each))));
    expect(vmap(f)(keyTensor(keys))).toBeAllClose(expected);
    expect(jit(vmap(f))(keyTensor(keys))).toBeAllClose(expected);
    const drawn = denseNormalSample(keyTensor(keys), nested, form);
    expect(vmap((each: typeof nested) => ravel(each).flat as Tensor)(drawn)).toBeAllClose(expected);
  });

  test('errors name what does not fit', () => {
    expect(() => denseNormalSample(key(0), trees.nested, { precision: stack([eye(7), eye(7)]) })).toThrow(
      'distributions.denseNormalSample: the precision has shape [2,7,7], and mean has 7 elements in all, which takes [7,7]',
    );
  });
});

test('nothing leaks', () => {
  const form = { covariance: matrixOf(7) };
  const { nested } = trees;
  expectNoLeak(() => {
    denseNormalLogProb(nested, 0, form).dispose();
    for (const leaf of leaves(denseNormalSample(key(1), nested, form, { sampleShape: [2] }))) leaf.dispose();
    expect(() => denseNormalSample(key(1), nested, { covariance: nested.scale })).toThrow(/must be float32 \[/);
  });
});
