// Ordering, searching, selecting, replacing and contracting: what is traced gives what tfjs gives, and what tfjs gets wrong, or throws
// at, is right.
import '@posteriors/backend/cpu';
import '@posteriors/backend/wasm';
import { setBackend } from '@posteriors/backend';
import { interpret } from '@posteriors/interpreter';
import '@posteriors/testing';
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { grad, jit, jvp, vmap } from '../src/index.ts';
import { difference, directions, expectClose, type Input, programOf, uniforms } from './float64.ts';

type Tensor = tf.Tensor;
type Function = (...xs: Tensor[]) => Tensor | Tensor[];

const some = (...shape: number[]): Tensor => {
  const size = shape.reduce((a, b) => a * b, 1);
  return tf.tensor(
    Array.from({ length: size }, (_, i) => Math.fround(2 * Math.sin(7.3 * i + 1))),
    shape,
  );
};
const ints = (values: number[], shape = [values.length]): Tensor => tf.tensor(values, shape, 'int32');
const list = (result: Tensor | Tensor[]): Tensor[] => (Array.isArray(result) ? result : [result]);

/** The results of a factorisation as one vector. */
const joined = (tensors: readonly Tensor[]): Tensor => tf.concat(tensors.map((x) => tf.reshape(x, [x.size])));
const factorisations: [string, (x: Tensor) => Tensor, number[]][] = [
  ['qr', (x) => joined(tf.linalg.qr(x)), [3, 2]],
  ['qr of a wide matrix', (x) => joined(tf.linalg.qr(x)), [2, 3]],
  ['qr of a number', (x) => joined(tf.linalg.qr(x)), [1, 1]],
  ['gramSchmidt', (x) => tf.linalg.gramSchmidt(x as tf.Tensor2D) as Tensor, [2, 3]],
];

test.each(factorisations)('%s has derivatives', (_, f, shape) => {
  const [x, v, w] = directions([{ shape }, { shape }, { shape: [32] }], uniforms(3)) as [Input, Input, Input];
  const program = programOf(
    ([x, v, w]) => {
      const flat = (at: Tensor): Tensor => tf.reshape(f(at), [-1]);
      const loss = (at: Tensor): Tensor => tf.sum(tf.mul(flat(at), tf.slice(w!, [0], [flat(at).size])));
      const pushed = (g: (at: Tensor) => Tensor) => (at: Tensor) => jvp(g, [at], [v!])[1];
      const slope = (at: Tensor): Tensor => tf.sum(tf.mul(grad(loss)(at), v!));
      return [flat, pushed(flat), pushed(pushed(flat)), loss, slope, pushed(slope)].map((g) => g(x!));
    },
    [x, v, w],
  );
  const results = interpret(program, [x, v, w]);
  for (const [derivative, primitive] of [
    [1, 0],
    [2, 1],
    [4, 3],
    [5, 4],
  ] as const) {
    const expected = difference(program, primitive, [x, v, w], [v]);
    expectClose(`output ${derivative}`, results[derivative]!.values, expected, 1e-6, 1e-9);
  }
});

describe.each(['cpu', 'wasm'] as const)('%s', (device) => {
  beforeAll(async () => {
    await setBackend(device);
    tf.engine().startScope();
  });
  afterAll(() => tf.engine().endScope());

  const both = (x: Tensor, k: number): Tensor[] => {
    const { values, indices } = tf.topk(x, k);
    return [values, indices];
  };
  const eager: [string, Function, () => Tensor[]][] = [
    ['topk', (x) => both(x!, 3), () => [some(2, 5)]],
    ['topk of ties', (x) => both(x!, 4), () => [tf.tensor1d([1, 3, 1, 3, 3, 0])]],
    ['topk of all', (x) => both(x!, 5), () => [some(2, 1, 5)]],
    ['topk of int32', (x) => both(x!, 2), () => [ints([3, 1, 4, 1, 5])]],
    ['topk of one element', (x) => both(x!, 1), () => [some(3, 1)]],
    ['lowerBound', (s, x) => tf.lowerBound(s!, x!), () => [tf.tensor1d([-1, 0, 0, 1]), tf.tensor1d([-2, 0, 0.5, 3])]],
    ['upperBound', (s, x) => tf.upperBound(s!, x!), () => [tf.tensor1d([-1, 0, 0, 1]), tf.tensor1d([-2, 0, 0.5, 3])]],
    [
      'searchSorted in rows',
      (s, x) => tf.searchSorted(s!, x!, 'right'),
      () => [
        tf.tensor2d([
          [0, 1, 2],
          [1, 1, 1],
        ]),
        tf.tensor2d([
          [1, 2],
          [0, 1],
        ]),
      ],
    ],
    ['tensorScatterUpdate', tf.tensorScatterUpdate as Function, () => [some(4, 2), ints([3, 1], [2, 1]), some(2, 2)]],
    ['sparseToDense', (i, v) => tf.sparseToDense(i!, v!, [5], 2), () => [ints([1, 3]), some(2)]],
    [
      'sparseToDense of a scalar',
      (i, v) => tf.sparseToDense(i!, v!, [2, 3]),
      () => [ints([0, 2, 1, 1], [2, 2]), tf.scalar(4)],
    ],
    ['sparseToDense at a scalar', (i, v) => tf.sparseToDense(i!, v!, [4]), () => [tf.scalar(2, 'int32'), tf.scalar(4)]],
    [
      'gather in rows',
      (x, i) => tf.gather(x!, i as tf.Tensor1D, 2, 1),
      () => [some(2, 3, 4), ints([0, 3, 1, 1], [2, 2])],
    ],
    [
      'gather in rows, counted from the end',
      (x, i) => tf.gather(x!, i as tf.Tensor1D, -1, -1),
      () => [some(2, 3, 4), ints([0, 3, 1, 1], [2, 2])],
    ],
    ['diag', (x) => tf.diag(x!), () => [some(2, 2)]],
    ['bandPart', (x) => tf.linalg.bandPart(x!, 1, -1), () => [some(2, 3, 4)]],
    ['bincount', (x) => tf.bincount(x as tf.Tensor1D, [], 4), () => [ints([0, 2, 2, 5, 3])]],
    [
      'bincount with weights',
      (x, w) => tf.bincount(x as tf.Tensor1D, w as tf.Tensor1D, 4),
      () => [ints([0, 2, 2, 5, 3]), some(5)],
    ],
    [
      'denseBincount',
      (x, w) => tf.denseBincount(x as tf.Tensor2D, w as tf.Tensor2D, 3),
      () => [ints([0, 2, 2, 5], [2, 2]), some(2, 2)],
    ],
    [
      'denseBincount, binary',
      (x) => tf.denseBincount(x as tf.Tensor2D, [], 3, true),
      () => [ints([2, 2, 0, 1], [2, 2])],
    ],
    ['bitwiseAnd', tf.bitwiseAnd as Function, () => [ints([12, -7, 5]), ints([10, 12, 3])]],
    ['broadcastArgs', (a, b) => tf.broadcastArgs(a!, b!), () => [ints([3]), ints([2, 1])]],
    [
      'broadcastArgs of constants',
      () => tf.broadcastArgs(tf.tensor1d([3], 'int32'), tf.tensor1d([2, 1], 'int32')),
      () => [],
    ],
    ['sparseSegmentSum', (x) => tf.sparse.sparseSegmentSum(x as tf.Tensor2D, [0, 1, 1], [0, 0, 2]), () => [some(2, 2)]],
    [
      'sparseSegmentMean',
      (x) => tf.sparse.sparseSegmentMean(x as tf.Tensor2D, [0, 1, 1], [0, 0, 2]),
      () => [some(2, 2)],
    ],
    ['qr', (x) => tf.linalg.qr(x!), () => [some(3, 2)]],
    ['qr of a wide matrix', (x) => tf.linalg.qr(x!), () => [some(2, 3)]],
    ['qr of many', (x) => tf.linalg.qr(x!), () => [some(2, 2, 2)]],
    ['gramSchmidt', (x) => tf.linalg.gramSchmidt(x as tf.Tensor2D) as Tensor, () => [some(2, 3)]],
    ['logSoftmax', (x) => tf.logSoftmax(x!), () => [some(2, 3)]],
  ];
  test.each(eager)('%s is what tfjs gives', (_, f, inputs) => {
    const xs = inputs();
    const expected = list(f(...xs));
    const received = list(jit(f)(...xs));
    expect(received.map(({ dtype, shape }) => [dtype, shape])).toEqual(
      expected.map(({ dtype, shape }) => [dtype, shape]),
    );
    received.forEach((y, i) => {
      expect(y).toBeAllClose(expected[i]!);
    });
  });

  test.each(factorisations)('vmap of %s is the loop', (_, f, shape) => {
    const xs = some(3, ...shape);
    const slope = grad((x: Tensor) => tf.sum(tf.square(tf.add(f(x), 1))));
    for (const g of [f, slope]) {
      const expected = tf.stack(tf.unstack(xs).map((x) => g(x)));
      expect(vmap(g)(xs)).toBeAllClose(expected, { rtol: 1e-3, atol: 1e-3 });
    }
  });

  test('topk has a derivative, which is the gather of its indices', () => {
    const x = tf.tensor2d([
      [1, 5, 3],
      [2, 2, 1],
    ]);
    const loss = (v: Tensor): Tensor =>
      tf.sum(
        tf.mul(
          tf.topk(v, 2).values,
          tf.tensor2d([
            [1, 10],
            [100, 1000],
          ]),
        ),
      );
    expect(() => tf.grad(loss)(x)).toThrow(/gradient/);
    expect(grad(loss)(x)).toBeAllClose([
      [0, 1, 10],
      [100, 1000, 0],
    ]);
    // A sorted vector, as statistics use it.
    const ascending = (v: Tensor): Tensor => tf.reverse(tf.topk(v, v.size).values);
    const median = (v: Tensor): Tensor => tf.squeeze(tf.slice(ascending(v), [1], [1]));
    expect(vmap(grad(median))(x)).toBeAllClose([
      [0, 0, 1],
      [0, 1, 0],
    ]);
  });

  test('topk frees the elements that nobody asked for', () => {
    const x = some(2, 5);
    const indices = jit((v: Tensor) => tf.topk(v, 2).indices);
    indices(x).dispose();
    const before = tf.backend().numDataIds();
    indices(x).dispose();
    expect(tf.backend().numDataIds()).toBe(before);
  });

  test('tensorScatterUpdate leaves its input as it was', () => {
    const [x, at, update] = [tf.tensor1d([1, 2, 3]), ints([0], [1, 1]), tf.tensor1d([9])];
    const compiled = jit((v: Tensor, u: Tensor) => [tf.tensorScatterUpdate(v, at, u), tf.add(v, 0)] as Tensor[]);
    const [updated, same] = compiled(x, update);
    expect(updated!).toBeAllClose([9, 2, 3]);
    expect(same!).toBeAllClose([1, 2, 3]);
    expect(x).toBeAllClose([1, 2, 3]);
    if (device !== 'cpu') return;
    tf.tensorScatterUpdate(x, at, update);
    expect(x).toBeAllClose([9, 2, 3]);
  });

  test('of updates for one place the last remains, and alone has a derivative', () => {
    const at = ints([1, 1, 0], [3, 1]);
    const loss = (updates: Tensor, x: Tensor): Tensor =>
      tf.sum(tf.mul(tf.tensorScatterUpdate(x, at, updates), tf.tensor1d([1, 10, 100])));
    const updates = tf.tensor1d([3, 4, 5]);
    const x = tf.tensor1d([7, 8, 9]);
    expect(jit(loss)(updates, x)).toBeAllClose(5 + 40 + 900);
    expect(grad(loss)(updates, x)).toBeAllClose([0, 10, 1]);
    expect(grad((v: Tensor) => loss(updates, v))(x)).toBeAllClose([0, 0, 100]);
  });

  test('searchSorted compares integers with numbers between them', () => {
    const find = (s: Tensor, x: Tensor): Tensor => tf.searchSorted(s, x);
    const inputs: [Tensor, Tensor] = [ints([1, 2, 3]), tf.tensor1d([1.5, 2, 9])];
    if (device === 'wasm') expect(() => find(...inputs)).toThrow(/same dtype/);
    expect(jit(find)(...inputs)).toBeAllClose([[1, 1, 3]]);
  });

  test('counting ignores what is out of range, and a binary count is 0 or 1', () => {
    const numbers = ints([1, -1, 1, 2, 7]);
    expect(jit((x: Tensor) => tf.bincount(x as tf.Tensor1D, [], 4))(numbers)).toBeAllClose([0, 2, 1, 0]);
    const vector = ints([1, 1, 2]);
    const binary = (x: Tensor): Tensor => tf.denseBincount(x as tf.Tensor1D, [], 4, true);
    if (device === 'cpu') expect(binary(vector)).toBeAllClose([0, 2, 1, 0]);
    expect(jit(binary)(vector)).toBeAllClose([0, 1, 1, 0]);
  });

  test('unsortedSegmentSum leaves out the rows of other segments, one by one and mapped', () => {
    const [x, weights] = [some(4, 2), some(3, 2)];
    const segments = ints([1, -1, 7, 1]);
    const f = (v: Tensor, ids: Tensor): Tensor => tf.unsortedSegmentSum(v, ids as tf.Tensor1D, 3);
    const zero = tf.zeros([2]);
    const expected = tf.stack([zero, tf.add(tf.gather(x, 0), tf.gather(x, 3)), zero]);
    if (device === 'cpu') expect(f(x, segments)).toBeAllClose(expected);
    expect(jit(f)(x, segments)).toBeAllClose(expected);
    expect(vmap(f)(tf.stack([x, tf.mul(x, 2)]), tf.stack([segments, segments]))).toBeAllClose(
      tf.stack([expected, tf.mul(expected, 2)]),
    );
    const slope = grad((v: Tensor) => tf.sum(tf.mul(f(v, segments), weights)))(x);
    const one = tf.gather(weights, 1);
    expect(slope).toBeAllClose(tf.stack([one, zero, zero, one]));
  });

  test('gather in rows of rows', () => {
    const [x, at] = [tf.reshape(tf.range(0, 24), [2, 2, 3, 2]), ints([0, 2, 1, 1], [2, 2, 1])];
    const rows = (v: Tensor): Tensor => tf.gather(v, at as tf.Tensor1D, 2, 2);
    const expected = tf.tensor([0, 1, 10, 11, 14, 15, 20, 21], [2, 2, 1, 2]);
    // tfjs reads outside of its memory there on wasm.
    if (device === 'cpu') expect(rows(x)).toBeAllClose(expected);
    expect(jit(rows)(x)).toBeAllClose(expected);
  });

  test('gather in rows is the map of gather', () => {
    const [x, i] = [some(3, 2, 4), ints([3, 0, 1, 1, 2, 2], [3, 2])];
    const rows = (v: Tensor): Tensor => tf.gather(v, i as tf.Tensor1D, 2, 1);
    const mapped = (v: Tensor): Tensor => vmap((a: Tensor, b: Tensor) => tf.gather(a, b as tf.Tensor1D, 1))(v, i);
    expect(jit(rows)(x)).toBeAllClose(mapped(x));
    const slope = (f: (v: Tensor) => Tensor): Tensor => grad((v: Tensor) => tf.sum(tf.square(f(v))))(x);
    expect(slope(rows)).toBeAllClose(slope(mapped));
  });

  test('einsum runs, with a derivative, on every device', () => {
    const [a, b] = [some(2, 3), some(3, 4)];
    const product = (x: Tensor): Tensor => tf.einsum('ij,jk->ik', x, b);
    expect(() => tf.grad((x: Tensor) => tf.sum(product(x)))(a)).toThrow();
    expect(jit(product)(a)).toBeAllClose(tf.matMul(a, b));
    expect(grad((x: Tensor) => tf.sum(product(x)))(a)).toBeAllClose(tf.matMul(tf.ones([2, 4]), b, false, true));
    const integer = ints([1, 2, 3, 4], [2, 2]);
    expect(jit((x: Tensor) => tf.einsum('ij,jk->ik', x, x))(integer)).toBeAllClose([
      [7, 10],
      [15, 22],
    ]);
  });

  test('einsum is the sum over all its axes', () => {
    const lengths = new Map([...'ijkl'].map((label, i) => [label, [2, 3, 1, 2][i]!]));
    const labels = fc.shuffledSubarray([...'ijkl']);
    const equations = fc
      .array(labels, { minLength: 1, maxLength: 3 })
      .chain((terms) => fc.tuple(fc.constant(terms), fc.shuffledSubarray([...new Set(terms.flat())])));
    fc.assert(
      fc.property(equations, ([terms, output]) => {
        const sizes = (of: readonly string[]): number[] => of.map((label) => lengths.get(label)!);
        const tensors = terms.map((term) => some(...sizes(term)));
        const equation = `${terms.map((term) => term.join('')).join(',')}->${output.join('')}`;
        const received = jit((...xs: Tensor[]) => tf.einsum(equation, ...xs))(...tensors);
        expect(received).toBeAllClose(sumOfProducts(terms, tensors, output, lengths), { rtol: 1e-4, atol: 1e-4 });
      }),
      { numRuns: 40, seed: 3 },
    );
  });

  test('per-sample gradients of a model with einsum and topk equal the loop', () => {
    const parameters = { query: some(3, 2, 2), out: some(4) };
    const loss = (p: typeof parameters, x: Tensor): Tensor => {
      const scores = tf.einsum('ni,ihd->hnd', x, p.query);
      const weights = tf.softmax(tf.einsum('hnd,hmd->hnm', scores, scores));
      const best = tf.topk(tf.reshape(tf.einsum('hnm,hmd->nhd', weights, scores), [4, 4]), 3).values;
      return tf.sum(tf.mul(tf.sum(tf.square(best), 1), p.out));
    };
    const xs = some(3, 4, 3);
    const mapped = vmap(grad(loss), { inAxes: [null, 0] })(parameters, xs) as typeof parameters;
    tf.unstack(xs).forEach((x, i) => {
      const single = grad(loss)(parameters, x) as typeof parameters;
      expect(tf.gather(mapped.query, i)).toBeAllClose(single.query, { rtol: 1e-4, atol: 1e-4 });
      expect(tf.gather(mapped.out, i)).toBeAllClose(single.out, { rtol: 1e-4, atol: 1e-4 });
    });
  });
});

test.each([
  ['ij,jk', /exactly one '->'/],
  ['i...,jk->ik', /ellipsis/],
  ['ij->ij', /names 1 tensors, and 2/],
  ['ijk,jk->ik', /names the axes 'ijk' of a tensor of shape \[2,3\]/],
  ['ii,jk->ik', /repeats an axis in 'ii'/],
  ['ij,ik->jk', /gives the axis 'i' the lengths 2 and 3/],
  ['ij,jk->iz', /has the axis 'z' only in the result/],
  ['ij,jk->ii', /repeats an axis of the result/],
])('einsum refuses %s', (equation, message) => {
  const f = (a: Tensor, b: Tensor): Tensor => tf.einsum(equation, a, b);
  expect(() => jit(f)(tf.ones([2, 3]), tf.ones([3, 3]))).toThrow(message);
});

/** `out[output] = sum over the other labels of the product`, one element after the other. */
function sumOfProducts(
  terms: readonly (readonly string[])[],
  tensors: readonly Tensor[],
  output: readonly string[],
  lengths: ReadonlyMap<string, number>,
): Tensor {
  const all = [...new Set(terms.flat())];
  const shape = output.map((label) => lengths.get(label)!);
  const result = new Float32Array(shape.reduce((size, n) => size * n, 1));
  const at = new Map<string, number>();
  const arrays = tensors.map((x) => x.dataSync());
  const place = (labels: readonly string[]): number =>
    labels.reduce((index, label) => index * lengths.get(label)! + at.get(label)!, 0);
  const visit = (depth: number): void => {
    const label = all[depth];
    if (label === undefined) {
      result[place(output)]! += arrays.reduce((product, array, i) => product * array[place(terms[i]!)]!, 1);
      return;
    }
    for (let i = 0; i < lengths.get(label)!; i++) {
      at.set(label, i);
      visit(depth + 1);
    }
  };
  visit(0);
  return tf.tensor(result, shape);
}
