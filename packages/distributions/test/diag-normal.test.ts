import '@posteriors/backend/cpu';
import '@posteriors/backend/wasm';
import { grad, jit, vmap } from '@posteriors/autodiff';
import { setBackend } from '@posteriors/backend';
import { key, keyTensor } from '@posteriors/random';
import { expectNoLeak } from '@posteriors/testing';
import { leaves, map, type TensorTree } from '@posteriors/tree';
import {
  add,
  ones,
  reshape,
  scalar,
  slice,
  stack,
  sum,
  type Tensor,
  tensor,
  tensor1d,
  tidy,
} from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { diagNormalLogProb, diagNormalSample, normalLike } from '../src/index.ts';
import { asTensor, asTree, golden } from './golden.ts';

type Given = number | TensorTree;

await setBackend('cpu');
beforeEach(() => setBackend('cpu'));

describe.each(['cpu', 'wasm'] as const)('equals PyTorch on %s', (device) => {
  beforeEach(() => setBackend(device));

  test.each(golden.diagNormals.map((each) => [each.name, each] as const))('%s', (name, each) => {
    const number = (given: unknown): unknown => (name === 'scalar tensors' ? scalar(given as number) : given);
    const x = asTree(each.x as never) as TensorTree;
    const [mean, sdDiag] = [each.mean, each.sdDiag].map((given) =>
      typeof given === 'number' ? number(given) : asTree(given as never),
    ) as [Given, Given];
    expect(diagNormalLogProb(x, mean, sdDiag)).toBeAllClose(each.value, { rtol: 2e-6 });
    expect(diagNormalLogProb(x, mean, sdDiag, { normalize: false })).toBeAllClose(each.kernel, { rtol: 2e-6 });

    const { gradients } = each;
    expect(grad((value: TensorTree) => diagNormalLogProb(value, mean, sdDiag))(x)).toBeAllClose(gradients.x);
    if (gradients.mean === null) return;
    expect(grad((value: TensorTree) => diagNormalLogProb(x, value, sdDiag))(mean as TensorTree)).toBeAllClose(
      gradients.mean,
    );
    expect(grad((value: TensorTree) => diagNormalLogProb(x, mean, value))(sdDiag as TensorTree)).toBeAllClose(
      gradients.sdDiag,
    );
  });
});

describe('diagNormalLogProb', () => {
  test('by default is standard normal; normalize: false leaves constants out', () => {
    const x = { b: tensor1d([0.1]), w: tensor1d([0.2, -0.4, 0.6]) };
    expect(diagNormalLogProb(x)).toBeAllClose(-3.960753917694092);
    expect(diagNormalLogProb(x, 0.5, 2)).toBeAllClose(-6.582092761993408);
    expect(diagNormalLogProb(x, 0.5, 2, { normalize: false })).toBeAllClose(-0.13374999165534973);
  });

  test('trees of one parameter are trees, whatever stands for mean and standard deviation (guards against posteriors 0.1.2, which takes them for scalars)', () => {
    const expected = -0.5 * ((3 - 1) / 2) ** 2 - Math.log(2) - 0.5 * Math.log(2 * Math.PI);
    for (const wrap of [(t: Tensor) => t, (t: Tensor) => ({ a: t }), (t: Tensor) => [[t]]] as ((
      t: Tensor,
    ) => TensorTree)[]) {
      for (const shape of [[], [1], [1, 1]]) {
        const one = (value: number): TensorTree => wrap(tensor([value], shape));
        for (const mean of [1, scalar(1), one(1)]) {
          for (const sd of [2, scalar(2), one(2)]) expect(diagNormalLogProb(one(3), mean, sd)).toBeAllClose(expected);
        }
        expect(diagNormalSample(key(0), one(3), 0)).toBeAllClose(one(3));
        expect(diagNormalSample(key(0), one(3), one(0))).toBeAllClose(one(3));
      }
    }
  });

  test('a tensor of one element is no scalar: it must have the place of a leaf', () => {
    const x = { a: tensor1d([1]) };
    expect(() => diagNormalLogProb(x, tensor1d([0]))).toThrow(
      'distributions.diagNormalLogProb: mean has the structure * and x has {a: *}; give a number, a scalar tensor, or a tree like x',
    );
  });

  test('errors name what does not fit', () => {
    const x = { a: tensor1d([1, 2]), b: tensor1d([1]) };
    expect(() => diagNormalLogProb(x, { a: tensor1d([1, 2]) })).toThrow(
      /mean has the structure {a: \*} and x has {a: \*, b: \*}/,
    );
    expect(() => diagNormalLogProb(x, 0, { a: tensor1d([1, 2, 3]), b: tensor1d([1]) })).toThrow(
      'sdDiag $.a has shape [3], which does not broadcast to the shape [2] of x $.a',
    );
    expect(() => diagNormalLogProb(x, 0, { a: scalar(1), b: tensor1d([1, 2]) })).toThrow(/\[2\].*\[1\] of x \$\.b/);
    for (const sd of [0, -1, Number.NaN]) {
      expect(() => diagNormalLogProb(x, 0, sd)).toThrow(`sdDiag is ${sd} and must be positive`);
    }
  });

  test('of no leaf is 0', () => {
    expect(diagNormalLogProb({})).toBeAllClose(0);
  });

  test('of a normal mean is symmetric in x and mean', () => {
    const values = fc.array(fc.float({ noNaN: true, min: -50, max: 50 }), { minLength: 3, maxLength: 3 });
    fc.assert(
      fc.property(values, values, fc.float({ min: Math.fround(0.1), max: 9, noNaN: true }), (a, b, sd) => {
        const [x, m] = [tensor1d(a), tensor1d(b)];
        expect(diagNormalLogProb(x, m, sd)).toBeAllClose(diagNormalLogProb(m, x, scalar(sd)), { rtol: 1e-5 });
      }),
      { numRuns: 30 },
    );
  });

  test('is the same compiled and mapped', () => {
    const f = (x: TensorTree, mean: TensorTree, sd: TensorTree): Tensor => diagNormalLogProb(x, mean, sd);
    const xs = { w: tensor([1, 2, 3, 4, 5, 6], [3, 2]) };
    const means = tensor1d([0, 1, 2]);
    const sd = { w: tensor1d([1, 3]) };
    const one = (i: number): Tensor =>
      f(
        map((leaf: Tensor) => reshape(slice(leaf, i, 1), [2]), xs),
        scalar(i),
        sd,
      );
    const expected = stack([0, 1, 2].map(one));
    expect(vmap(f, { inAxes: [0, 0, null] })(xs, means, sd)).toBeAllClose(expected);
    expect(jit(vmap(f, { inAxes: [0, 0, null] }))(xs, means, sd)).toBeAllClose(expected);
  });
});

describe('diagNormalSample', () => {
  const mean = { a: tensor1d([1, -2]), b: scalar(3) };

  test('is mean + sdDiag * normalLike', () => {
    const noise = normalLike(key(5), mean, { sampleShape: [4] });
    const sd = { a: tensor1d([0.5, 2]), b: scalar(0.1) };
    const draws = diagNormalSample(key(5), mean, sd, { sampleShape: [4] });
    expect(draws.a.shape).toEqual([4, 2]);
    expect(draws.b.shape).toEqual([4]);
    const [a, b] = [noise.a.arraySync() as unknown as number[][], noise.b.arraySync() as unknown as number[]];
    expect(draws).toBeAllClose({ a: a.map(([u, v]) => [1 + 0.5 * u!, -2 + 2 * v!]), b: b.map((u) => 3 + 0.1 * u) });
    expect(diagNormalSample(key(5), mean, scalar(2))).toBeAllClose(diagNormalSample(key(5), mean, 2));
  });

  test('has the mean and the spread asked for', () => {
    const count = 100_000;
    const draws = diagNormalSample(key(1), tensor1d([2, -1]), tensor1d([0.5, 3]), { sampleShape: [count] });
    const values = draws.arraySync() as unknown as number[][];
    for (const [axis, m, s] of [
      [0, 2, 0.5],
      [1, -1, 3],
    ] as const) {
      const column = values.map((row) => row[axis] as number);
      const found = column.reduce((a, b) => a + b) / count;
      const variance = column.reduce((a, b) => a + (b - found) ** 2, 0) / (count - 1);
      expect(Math.abs(found - m)).toBeLessThan((4 * s) / Math.sqrt(count));
      expect(Math.abs(variance / s ** 2 - 1)).toBeLessThan(4 * Math.sqrt(2 / count));
    }
  });

  test('lets derivatives through to the mean and the standard deviation', () => {
    const total = (m: TensorTree, sd: TensorTree): Tensor =>
      leaves(diagNormalSample(key(9), m, sd, { sampleShape: [3] }))
        .map((leaf) => sum(leaf))
        .reduce((x, y) => add(x, y));
    expect(grad((m: TensorTree) => total(m, scalar(2)))(mean)).toBeAllClose({ a: [3, 3], b: 3 });
    const noise = normalLike(key(9), mean, { sampleShape: [3] });
    const expected = { a: sum(noise.a, 0), b: sum(noise.b, 0) };
    expect(grad((sd: TensorTree) => total(mean, sd))({ a: ones([2]), b: scalar(1) })).toBeAllClose(expected);
  });

  test('is the same compiled, with a key as an argument, and mapped over keys', () => {
    const f = (k: Tensor): typeof mean => diagNormalSample(k, mean, 2);
    const keys = [key(1), key(2)];
    const expected = stack(keys.map((each) => diagNormalSample(each, mean, 2).a));
    expect(vmap(f)(keyTensor(keys)).a).toBeAllClose(expected);
    expect(jit(f)(keyTensor(key(2)))).toBeAllClose(diagNormalSample(key(2), mean, 2));
    expect(diagNormalSample(keyTensor(keys), mean, 2).a).toBeAllClose(expected);
  });

  test('errors name what does not fit', () => {
    expect(() => diagNormalSample(key(0), mean, -1)).toThrow(
      'distributions.diagNormalSample: sdDiag is -1 and must be at least 0',
    );
    expect(() => diagNormalSample(key(0), mean, { a: scalar(1) })).toThrow(
      /sdDiag has the structure {a: \*} and mean has/,
    );
  });
});

test('nothing leaks', () => {
  const x = { a: asTensor([1, 2]), b: scalar(3) };
  expectNoLeak(() => {
    diagNormalLogProb(x, x, 2).dispose();
    for (const leaf of leaves(diagNormalSample(key(1), x, x, { sampleShape: [2] }))) leaf.dispose();
    for (const leaf of leaves(grad((y: typeof x) => diagNormalLogProb(y, x, 3))(x))) leaf.dispose();
    tidy(() => {
      diagNormalLogProb(x, 0, x);
    });
  });
});
