// Products with curvature matrices and the matrices themselves: closed forms, and each against the other.
import '@tensorflow/tfjs';
import '@posteriors/backend/cpu';
import { setBackend } from '@posteriors/backend';
import { expectNoLeak } from '@posteriors/testing';
import { leaves, ravel } from '@posteriors/tree';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, expectTypeOf, test } from 'vitest';
import {
  diagGgn,
  empiricalFisher,
  fvp,
  ggn,
  ggnvp,
  grad,
  hessian,
  hvp,
  jacrev,
  jit,
  perSamplify,
  vmap,
} from '../src/index.ts';

await setBackend('cpu');

type Tensor = tf.Tensor;
type Params = { b: Tensor; w: Tensor };
type Batch = { x: Tensor; y: Tensor };

// Logistic regression: four examples.
const batch: Batch = {
  x: tf.tensor2d([[1, 2, -1], [0.5, -0.3, 0.8], [-1.2, 0.4, 0.1], [2, 1, 0]]),
  y: tf.tensor1d([1, 0, 0, 1]),
}; // biome-ignore format: a matrix
const params: Params = { b: tf.tensor1d([0.1]), w: tf.tensor1d([0.2, -0.4, 0.6]) };
const direction: Params = { b: tf.tensor1d([0.5]), w: tf.tensor1d([1, -2, 0.25]) };
const logits = ({ b, w }: Params, { x }: Batch): Tensor =>
  tf.add(tf.reshape(tf.matMul(x as tf.Tensor2D, tf.reshape(w, [-1, 1]) as tf.Tensor2D), [x.shape[0] as number]), b);
const likelihoods = (z: Tensor, y: Tensor): Tensor =>
  tf.sub(tf.mul(y, z), tf.add(tf.relu(z), tf.log1p(tf.exp(tf.neg(tf.abs(z))))));
const logLikelihood = (p: Params, data: Batch): Tensor => likelihoods(logits(p, data), data.y);
const loss = (z: Tensor): Tensor => tf.neg(tf.sum(likelihoods(z, batch.y)));
const network = (p: Params): Tensor => logits(p, batch);

// Upstream's numbers for the same model, in the order b, w.
const fisherMatrix = [
  [1.4584519, 1.0195897, 1.2861465, -0.1626531],
  [1.0195897, 1.8636324, 1.4126112, -0.3957265],
  [1.2861465, 1.4126112, 2.5510678, -1.2322819],
  [-0.1626531, -0.3957265, -1.2322819, 0.8695103],
];
const ggnMatrix = [
  [0.8970898, 0.4973556, 0.6585166, 0.0084013],
  [0.4973556, 1.5932167, 0.7231169, -0.1313781],
  [0.6585166, 0.7231169, 1.057537, -0.4162207],
  [0.0084013, -0.1313781, -0.4162207, 0.3267364],
];
const flat = (tree: Params): Tensor => ravel(tree).flat;
const times = (matrix: number[][] | Tensor, v: Tensor): Tensor =>
  tf.reshape(tf.matMul(matrix as tf.Tensor2D, tf.reshape(v, [-1, 1]) as tf.Tensor2D), [-1]);
const close = { rtol: 2e-5, atol: 1e-6 };

describe('hvp', () => {
  const f = (p: Params): Tensor => tf.neg(tf.sum(logLikelihood(p, batch)));

  test('gives the gradient, then the product', () => {
    const [gradient, product] = hvp(f, [params], [direction]);
    expectTypeOf(product).toEqualTypeOf<Params>();
    expect(gradient).toBeAllClose(grad(f)(params));
    expect(flat(product)).toBeAllClose(times(ggnMatrix, flat(direction)), close);
    expect(jit((p: Params, v: Params) => hvp(f, [p], [v]))(params, direction)).toBeAllClose([gradient, product], close);
  });

  test('of several primals, with aux', () => {
    const g = (a: Tensor, b: Tensor): [Tensor, { product: Tensor }] => {
      const product = tf.mul(a, b);
      return [tf.sum(tf.mul(product, a)), { product }];
    };
    const [a, b] = [tf.tensor1d([2, 3]) as Tensor, tf.tensor1d([5, 7]) as Tensor];
    const [da, db] = [tf.tensor1d([1, 0]) as Tensor, tf.tensor1d([1, -1]) as Tensor];
    const [gradient, product, aux] = hvp(g, [a, b], [da, db], { hasAux: true });
    expectTypeOf(product).toEqualTypeOf<[Tensor, Tensor]>();
    expect(gradient).toBeAllClose([[20, 42], [4, 9]]); // biome-ignore format: rows
    // H = [[2b, 2a], [2a, 0]] for each element.
    expect(product).toBeAllClose([[2 * 5 + 2 * 2, -6], [4, 0]]); // biome-ignore format: rows
    expect(aux).toBeAllClose({ product: [10, 21] });
  });

  test('batched over directions is the Hessian', () => {
    const vector = (v: Tensor): Tensor => tf.sum(tf.exp(tf.mul(v, tf.sum(v))));
    const point = tf.tensor1d([0.5, -0.25, 0.1]) as Tensor;
    const rows = vmap((v: Tensor) => hvp(vector, [point], [v])[1])(tf.eye(3));
    expect(rows).toBeAllClose(hessian(vector)(point));
  });
});

describe('Fisher', () => {
  const f = (p: Params): Tensor => logLikelihood(p, batch);

  test('matrix is the sum of outer products of gradients', () => {
    const matrix = empiricalFisher(f)(params);
    expect(matrix).toBeAllClose(fisherMatrix, close);
    const gradients = vmap((x: Tensor, y: Tensor) =>
      flat(grad((p: Params) => tf.sum(logLikelihood(p, { x: tf.expandDims(x), y: tf.expandDims(y) })))(params)),
    )(batch.x, batch.y);
    expect(matrix).toBeAllClose(tf.matMul(gradients, gradients, true), close);
    expect(empiricalFisher(f, { normalize: true })(params)).toBeAllClose(tf.div(matrix, 4), close);
    expect(jit(empiricalFisher(logLikelihood))(params, batch)).toBeAllClose(matrix, close);
  });

  test('times a vector', () => {
    const [value, product] = fvp(f, [params], [direction]);
    expectTypeOf(product).toEqualTypeOf<Params>();
    expect(value).toBeAllClose(f(params));
    expect(flat(product)).toBeAllClose(times(fisherMatrix, flat(direction)), close);
    const [, mean] = fvp(f, [params], [direction], { normalize: true });
    expect(flat(mean)).toBeAllClose(tf.div(flat(product), 4), close);
    const { unravel } = ravel(params);
    const columns = vmap((unit: Tensor) => flat(fvp(f, [params], [unravel(unit)])[1]))(tf.eye(4));
    expect(columns).toBeAllClose(fisherMatrix, close);
  });

  test('of several arguments (guards against posteriors 0.1.2, whose fvp gives the product of the first alone)', () => {
    const apart = (b: Tensor, data: Batch, w: Tensor): Tensor => logLikelihood({ b, w }, data);
    expect(empiricalFisher(apart, { argnums: [0, 2] })(params.b, batch, params.w)).toBeAllClose(fisherMatrix, close);
    expect(empiricalFisher(apart, { argnums: 2 })(params.b, batch, params.w)).toBeAllClose(
      fisherMatrix.slice(1).map((row) => row.slice(1)),
      close,
    );
    // The product of each primal, not of the first alone.
    const [, product] = fvp(
      (b: Tensor, w: Tensor) => apart(b, batch, w),
      [params.b, params.w],
      [direction.b, direction.w],
    );
    expectTypeOf(product).toEqualTypeOf<[Tensor, Tensor]>();
    expect(tf.concat(product)).toBeAllClose(times(fisherMatrix, flat(direction)), close);
  });

  test('of a scalar, a matrix and a tree of log likelihoods, with aux', () => {
    const total = (p: Params): Tensor => tf.sum(f(p));
    const slope = flat(grad(total)(params));
    expect(empiricalFisher(total, { normalize: true })(params)).toBeAllClose(
      tf.outerProduct(slope as tf.Tensor1D, slope as tf.Tensor1D),
      close,
    );
    expect(fvp(total, [params], [direction], { normalize: true })[1]).toBeAllClose(
      fvp(total, [params], [direction])[1],
      close,
    );
    const square = (p: Params): [Tensor, { z: Tensor }] => [tf.reshape(f(p), [2, 2]), { z: network(p) }];
    const [matrix, aux] = empiricalFisher(square, { hasAux: true })(params);
    expect(matrix).toBeAllClose(fisherMatrix, close);
    expect(aux.z).toBeAllClose(network(params));
    const [value, product, same] = fvp(square, [params], [direction], { hasAux: true, normalize: true });
    expect(value.shape).toEqual([2, 2]);
    expect(flat(product)).toBeAllClose(tf.div(times(fisherMatrix, flat(direction)), 2), close);
    expect(same.z).toBeAllClose(network(params));
    const parts = (p: Params): Tensor[] => tf.split(f(p), 2);
    expect(empiricalFisher(parts)(params)).toBeAllClose(fisherMatrix, close);
    expect(flat(fvp(parts, [params], [direction])[1])).toBeAllClose(times(fisherMatrix, flat(direction)), close);
  });

  test('of each example apart', () => {
    const values = perSamplify(logLikelihood)(params, batch);
    expect(values).toBeAllClose(tf.expandDims(f(params), 1));
    const rows = jacrev((p: Params) => tf.squeeze(perSamplify(logLikelihood)(p, batch), [1]))(params);
    const all = tf.concat([rows.b, rows.w], 1) as tf.Tensor2D;
    expect(tf.matMul(all, all, true)).toBeAllClose(fisherMatrix, close);
  });
});

describe('generalised Gauss-Newton', () => {
  test('equals the Hessian of a linear model, whatever the rank of the outputs (guards against posteriors 0.1.2, which takes matrices alone)', () => {
    for (const shape of [[4], [4, 1], [2, 2], [2, 1, 2]]) {
      const forward = (p: Params, data: Batch): Tensor => tf.reshape(logits(p, data), shape);
      const reshaped = (z: Tensor): Tensor => loss(tf.reshape(z, [4]));
      const matrix = ggn(forward, reshaped)(params, batch);
      expectTypeOf(matrix).toEqualTypeOf<tf.Tensor2D>();
      expect(matrix, `${shape}`).toBeAllClose(ggnMatrix, close);
      const diagonal = diagGgn(forward, reshaped)(params, batch);
      expectTypeOf(diagonal).toEqualTypeOf<Params>();
      expect(flat(diagonal)).toBeAllClose(
        ggnMatrix.map((row, i) => row[i]!),
        close,
      );
      const [[z, gradient], product] = ggnvp((p: Params) => forward(p, batch), reshaped, [params], [direction]);
      expect(z).toBeAllClose(forward(params, batch));
      expect(gradient).toBeAllClose(grad(reshaped)(z));
      expect(flat(product)).toBeAllClose(times(ggnMatrix, flat(direction)), close);
      const mean = { normalize: true };
      expect(ggn(forward, reshaped, mean)(params, batch)).toBeAllClose(tf.div(ggnMatrix, shape[0]!), close);
      expect(flat(diagGgn(forward, reshaped, mean)(params, batch))).toBeAllClose(
        tf.div(flat(diagonal), shape[0]!),
        close,
      );
      expect(flat(ggnvp((p: Params) => forward(p, batch), reshaped, [params], [direction], mean)[1])).toBeAllClose(
        tf.div(flat(product), shape[0]!),
        close,
      );
    }
  });

  // Two outputs an example, and a nonlinear network; a softmax, whose Hessian is not diagonal.
  const deep = ({ b, w }: Params, x: Tensor): Tensor => {
    const hidden = tf.tanh(tf.add(tf.mul(x, w), b));
    return tf.stack([tf.sum(hidden, 1), tf.sum(tf.mul(hidden, hidden), 1)], 1);
  };
  const cross = (z: Tensor): Tensor => tf.neg(tf.sum(tf.mul(tf.logSoftmax(z), [[1, 0], [0, 1], [1, 0], [0.5, 0.5]]))); // biome-ignore format: a matrix

  test('matrix, diagonal and product agree, and with J and H', () => {
    const matrix = ggn(deep, cross)(params, batch.x);
    const jacobian = jacrev(deep)(params, batch.x);
    const rows = tf.reshape(tf.concat([jacobian.b, jacobian.w], 2), [8, 4]) as tf.Tensor2D;
    const inner = tf.reshape(hessian(cross)(deep(params, batch.x)), [8, 8]) as tf.Tensor2D;
    expect(matrix).toBeAllClose(tf.matMul(rows, tf.matMul(inner, rows), true), close);
    expect(matrix).toBeAllClose(tf.transpose(matrix), close);
    const forward = (p: Params): Tensor => deep(p, batch.x);
    const [, product] = ggnvp(forward, cross, [params], [direction]);
    expect(flat(product)).toBeAllClose(times(matrix, flat(direction)), close);
    const diagonal = (matrix.arraySync() as number[][]).map((row, i) => row[i]!);
    expect(flat(diagGgn(deep, cross)(params, batch.x))).toBeAllClose(diagonal, close);
    expect(jit(ggn(deep, cross))(params, batch.x)).toBeAllClose(matrix, close);
    const [, both] = ggnvp(
      (b: Tensor, w: Tensor) => deep({ b, w }, batch.x),
      cross,
      [params.b, params.w],
      [direction.b, direction.w],
    );
    expect(tf.concat(both)).toBeAllClose(flat(product), close);
  });

  test('of outputs that are trees', () => {
    const halves = (p: Params): { left: Tensor; right: Tensor[] } => {
      const [left, right] = tf.split(network(p), 2) as [Tensor, Tensor];
      return { left, right: [right] };
    };
    const joined = ({ left, right }: { left: Tensor; right: Tensor[] }): Tensor => loss(tf.concat([left, right[0]!]));
    expect(ggn(halves, joined)(params)).toBeAllClose(ggnMatrix, close);
    const [, product] = ggnvp(halves, joined, [params], [direction]);
    expect(flat(product)).toBeAllClose(times(ggnMatrix, flat(direction)), close);
  });

  test('hands out aux of the network and of the loss', () => {
    const forward = (p: Params): [Tensor, { twice: Tensor }] => [network(p), { twice: tf.mul(2, network(p)) }];
    const withAux = (z: Tensor): [Tensor, Tensor[]] => [loss(z), [tf.sum(z)]];
    const twice = tf.mul(2, network(params));
    const total = tf.sum(network(params));
    const both = ggn(forward, withAux, { forwardHasAux: true, lossHasAux: true })(params);
    expectTypeOf(both).toEqualTypeOf<[tf.Tensor2D, { twice: Tensor }, Tensor[]]>();
    expect(both).toBeAllClose([ggnMatrix, { twice }, [total]], close);
    const one = diagGgn(forward, loss, { forwardHasAux: true })(params);
    expectTypeOf(one).toEqualTypeOf<[Params, { twice: Tensor }]>();
    expect(one[1]).toBeAllClose({ twice });
    const other = ggnvp(network, withAux, [params], [direction], { lossHasAux: true });
    expectTypeOf(other[2]).toEqualTypeOf<Tensor[]>();
    expect(other.slice(2)).toBeAllClose([[total]]);
    const all = ggnvp(forward, withAux, [params], [direction], { forwardHasAux: true, lossHasAux: true });
    expect(all.slice(2)).toBeAllClose([{ twice }, [total]]);
    expect(all[0]).toBeAllClose(other[0]);
  });
});

test('each leaves what it returns', () => {
  const f = (p: Params): Tensor => logLikelihood(p, batch);
  const results = [
    () => hvp((p: Params) => tf.sum(f(p)), [params], [direction]),
    () => fvp(f, [params], [direction]),
    () => empiricalFisher(f)(params),
    () => ggnvp(network, loss, [params], [direction]),
    () => ggn(network, loss)(params),
    () => diagGgn(network, loss)(params),
    () => perSamplify(logLikelihood)(params, batch),
  ];
  for (const run of results) {
    expectNoLeak(() => {
      for (const tensor of leaves<unknown>(run())) (tensor as Tensor).dispose();
    });
  }
});

describe('errors', () => {
  const f = (p: Params): Tensor => logLikelihood(p, batch);
  const wrong = { b: direction.w, w: direction.w };
  test.each<[string, () => unknown, string]>([
    ['hvp, value', () => hvp(f, [params], [direction]), 'hvp: the function must return a scalar (shape []) and returned shape [4]'],
    ['hvp, tangent', () => hvp((p: Params) => tf.sum(f(p)), [params], [wrong]), 'the tangent $[0].b is float32[3] and must be float32[1]'],
    ['hvp, aux', () => hvp(f as never, [params], [direction], { hasAux: true }), 'hvp: the function must return [value, aux]'],
    ['fvp, tangent', () => fvp(f, [params], [wrong]), 'fvp: the tangent $[0].b is float32[3] and must be float32[1]'],
    ['fvp, structure', () => fvp(f, [params], [[] as never]), 'fvp: the tangent has structure [[]] and must have [{b: *, w: *}]'],
    ['fvp, value', () => fvp((_: Params) => 3 as never, [params], [direction]), 'fvp: the function must return a tree of float32 tensors'],
    ['empiricalFisher, argnums', () => empiricalFisher(f, { argnums: [0, 2] })(params), 'empiricalFisher: argnums has 2, and the function was given 1 arguments'],
    ['empiricalFisher, aux', () => empiricalFisher(f as never, { hasAux: true })(params as never), 'empiricalFisher: the function must return [value, aux]'],
    ['ggnvp, loss', () => ggnvp(network, (z: Tensor) => z, [params], [direction]), 'hvp: the function must return a scalar'],
    ['ggn, loss', () => ggn(network, (z: Tensor) => z)(params), 'ggn: the function must return a scalar (shape []) and returned shape [4]'],
    ['diagGgn, aux', () => diagGgn(network as never, loss, { forwardHasAux: true })(params as never), 'diagGgn: the function must return [value, aux]'],
    ['perSamplify', () => perSamplify(logLikelihood)(params, { x: batch.x, y: direction.w }), 'the mapped axes differ in length'],
    ['perSamplify, async', () => perSamplify(async () => 1)(params, batch), 'async'],
  ])('%s', (_, run, message) => {
    expectNoLeak(() => expect(run).toThrow(message));
  }); // biome-ignore format: a table
});
