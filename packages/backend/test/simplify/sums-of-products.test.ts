import '../../src/cpu.ts';
import '@posteriors/testing';
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { type Program, record, setBackend, simplify, sizeOf } from '../../src/index.ts';
import { contractSums } from '../../src/simplify/sums-of-products.ts';
import { float, runOnce, traceLike, traceOf } from '../traced.ts';
import { printedAfter } from './printed.ts';

beforeAll(() => setBackend('cpu'));

/** The gradients of a dense layer for each example: outer products of inputs `[n, p]` and deltas `[n, q]`. */
function outer(x: tf.Tensor, d: tf.Tensor): tf.Tensor {
  const row = ({ shape: [n, length] }: tf.Tensor): number[] => [n as number, 1, length as number];
  return tf.matMul(tf.reshape(x, row(x)), tf.reshape(d, row(d)), true, false);
}

const layer = [float(50, 7), float(50, 5)];

describe('of the gradients of a dense layer', () => {
  test('the sum is one product', () => {
    const program = traceOf((x, d) => tf.sum(outer(x!, d!), 0), layer);
    expect(printedAfter(simplify, program)).toMatchInlineSnapshot(`
      "program(v0: float32[50,7], v1: float32[50,5]) {
        v2: float32[7,5] = BatchMatMul[transposeA=true transposeB=false](v0, v1)
        return v2
      }"
    `);
  });

  test('the sum of squares is one product of squares', () => {
    const program = traceOf((x, d) => tf.sum(tf.square(outer(x!, d!)), 0), layer);
    expect(printedAfter(simplify, program)).toMatchInlineSnapshot(`
      "program(v0: float32[50,7], v1: float32[50,5]) {
        v2: float32[50,5] = Square(v1)
        v3: float32[50,7] = Square(v0)
        v4: float32[7,5] = BatchMatMul[transposeA=true transposeB=false](v3, v2)
        return v4
      }"
    `);
  });

  test('weights of the examples go to the smaller factor', () => {
    const weighted = (x: tf.Tensor, d: tf.Tensor, w: tf.Tensor): tf.Tensor =>
      tf.sum(tf.square(tf.mul(0.125, tf.mul(outer(x, d), tf.reshape(w, [50, 1, 1])))), 0);
    const program = traceOf((x, d, w) => weighted(x!, d!, w!), [...layer, float(50)]);
    expect(printedAfter(simplify, program)).toMatchInlineSnapshot(`
      "program(v0: float32[50,7], v1: float32[50,5], v2: float32[50]) {
        v3: float32[50] = Square(v2)
        v4: float32[50,5] = Square(v1)
        v5: float32[50,7] = Square(v0)
        v6: float32[50] = Multiply(v3, 0.015625)
        v7: float32[50,1] = Reshape[shape=[50,1]](v6)
        v8: float32[50,5] = Multiply(v4, v7)
        v9: float32[7,5] = BatchMatMul[transposeA=true transposeB=false](v5, v8)
        return v9
      }"
    `);
  });

  test('what is the same for all examples, as the gradient of a prior, is multiplied out', () => {
    const program = traceOf(
      (x, d, prior) => tf.sum(tf.square(tf.sub(outer(x!, d!), prior!)), 0),
      [...layer, float(7, 5)],
    );
    expect(printedAfter(simplify, program)).toMatchInlineSnapshot(`
      "program(v0: float32[50,7], v1: float32[50,5], v2: float32[7,5]) {
        v3: float32[50,5] = Square(v1)
        v4: float32[50,7] = Square(v0)
        v5: float32[7,5] = BatchMatMul[transposeA=true transposeB=false](v4, v3)
        v6: float32[7,5] = BatchMatMul[transposeA=true transposeB=false](v0, v1)
        v7: float32[7,5] = Multiply(v6, v2)
        v8: float32[7,5] = Multiply(v7, -2)
        v9: float32[7,5] = Add(v5, v8)
        v10: float32[7,5] = Square(v2)
        v11: float32[7,5] = Multiply(v10, 50)
        v12: float32[7,5] = Add(v9, v11)
        v13: float32[7,5] = Maximum(v12, 0)
        return v13
      }"
    `);
  });

  test('two of them, summed over the elements of each example too', () => {
    const curvature = (x: tf.Tensor, d: tf.Tensor, e: tf.Tensor): tf.Tensor => {
      const each = (rows: tf.Tensor): tf.Tensor =>
        tf.transpose(tf.reshape(outer(x, tf.reshape(rows, [50, 15])), [50, 7, 3, 5]), [0, 2, 1, 3]);
      return tf.sum(tf.mul(each(d), each(e)), [0, 1]);
    };
    const program = traceOf((x, d, e) => curvature(x!, d!, e!), [float(50, 7), float(50, 3, 5), float(50, 3, 5)]);
    expect(printedAfter(simplify, program)).toMatchInlineSnapshot(`
      "program(v0: float32[50,7], v1: float32[50,3,5], v2: float32[50,3,5]) {
        v3: float32[50,7] = Square(v0)
        v4: float32[50,3,5] = Multiply(v2, v1)
        v5: float32[50,5] = Sum[axis=[1]](v4)
        v6: float32[7,5] = BatchMatMul[transposeA=true transposeB=false](v3, v5)
        return v6
      }"
    `);
  });
});

test('where the product is needed as it is too, the sum stays a sum of it', () => {
  const program = traceOf((x, d) => {
    const gradients = outer(x!, d!);
    return [tf.sum(gradients, 0), tf.sum(tf.square(gradients), 0), tf.exp(gradients)];
  }, layer);
  expect(printedAfter(simplify, program)).toMatchInlineSnapshot(`
    "program(v0: float32[50,7], v1: float32[50,5]) {
      v2: float32[50,1,7] = Reshape[shape=[50,1,7]](v0)
      v3: float32[50,1,5] = Reshape[shape=[50,1,5]](v1)
      v4: float32[50,7,5] = BatchMatMul[transposeA=true transposeB=false](v2, v3)
      v5: float32[7,5] = Sum[axis=[0]](v4)
      v6: float32[50,7,5] = Square(v4)
      v7: float32[7,5] = Sum[axis=[0]](v6)
      v8: float32[50,7,5] = Exp(v4)
      return v5, v7, v8
    }"
  `);
});

test('sums of what is repeated are multiples', () => {
  const program = traceOf(
    (x) => {
      const wide = record('BroadcastTo', [x!], { shape: [3, 4, 5] });
      return [tf.sum(wide, 0), tf.sum(wide, [0, 2]), tf.sum(tf.exp(wide))];
    },
    [float(4, 1)],
  );
  expect(printedAfter(simplify, program)).toMatchInlineSnapshot(`
    "program(v0: float32[4,1]) {
      v1: float32[4,1] = Multiply(v0, 3)
      v2: float32[4,5] = BroadcastTo[shape=[4,5]](v1)
      v3: float32[4] = Reshape[shape=[4]](v0)
      v4: float32[4] = Multiply(v3, 15)
      v5: float32[4,1] = Exp(v0)
      v6: float32[4] = Reshape[shape=[4]](v5)
      v7: float32[] = Sum[axis=[0]](v6)
      v8: float32[] = Multiply(v7, 15)
      return v2, v4, v8
    }"
  `);
});

test('outer products by broadcasting are products too', () => {
  const program = traceOf(
    (a, b) => tf.sum(tf.mul(tf.reshape(a!, [8, 6, 1]), tf.reshape(b!, [8, 1, 9])), 0),
    [float(8, 6), float(8, 9)],
  );
  expect(printedAfter(simplify, program)).toMatchInlineSnapshot(`
    "program(v0: float32[8,6], v1: float32[8,9]) {
      v2: float32[6,9] = BatchMatMul[transposeA=true transposeB=false](v0, v1)
      return v2
    }"
  `);
});

describe('values', () => {
  const random = (seed: number, ...shape: number[]): tf.Tensor => tf.randomNormal(shape, 0, 1, 'float32', seed);
  const [n, p, q] = [40, 6, 5];
  const [x, d, y, e, w] = [random(1, n, p), random(2, n, q), random(3, n, p), random(4, n, q), random(5, p, q)];
  const inputs = [x, d, y, e, w] as tf.Tensor[];
  type Case = (x: tf.Tensor, d: tf.Tensor, y: tf.Tensor, e: tf.Tensor, w: tf.Tensor) => tf.Tensor;
  const times = (a: tf.Tensor, b: tf.Tensor): tf.Tensor => tf.mul(a, b);

  const rewritten: { readonly [name: string]: Case } = {
    sum: (x, d) => tf.sum(outer(x, d), 0),
    squares: (x, d) => tf.sum(tf.square(outer(x, d)), 0),
    'squares, of all': (x, d) => tf.sum(tf.square(outer(x, d))),
    'squares, of rows': (x, d) => tf.sum(tf.square(outer(x, d)), [0, 2]),
    'squares, transposed': (x, d) => tf.sum(tf.transpose(tf.square(outer(x, d)), [2, 0, 1]), 1),
    'of different products': (x, d, y, e) => tf.sum(times(outer(x, d), outer(y, e)), 0),
    'of a product with what each example has': (x, d, y, e) => tf.sum(times(times(outer(x, d), tf.reshape(e, [n, 1, q])), tf.reshape(y, [n, p, 1])), 0), // biome-ignore format: one line
    'plus a constant': (x, d, _, __, w) => tf.sum(tf.add(outer(x, d), w), 0),
    'squares, plus a constant': (x, d, _, __, w) => tf.sum(tf.square(tf.add(w, outer(x, d))), 0),
    'minus a constant, times itself': (x, d, _, __, w) => {
      const difference = tf.sub(outer(x, d), w);
      return tf.sum(times(difference, difference), 0);
    },
    'negated, scaled, reshaped': (x, d) =>
      tf.sum(tf.square(tf.reshape(tf.mul(-3, tf.neg(outer(x, d))), [n, p * q])), 0),
    'with axes cut and joined': (x, d) => tf.sum(tf.square(tf.reshape(outer(x, d), [n / 4, 4, 2, p / 2, q])), [0, 1]),
    'of products of matrices': (x, d) =>
      tf.sum(tf.matMul(tf.reshape(x, [n / 2, 2, p]), tf.reshape(d, [n / 2, 2, q]), true), 0),
  };

  test.each(Object.entries(rewritten))('%s: no product of all examples is made', (_, f) => {
    const program = simplify(traceLike((...given) => f(...(given as Parameters<Case>)), inputs));
    expect(largest(program)).toBeLessThan((n * p * q) / 2);
    const expected = f(...(inputs as Parameters<Case>));
    const [found] = runOnce(program, inputs) as [tf.Tensor];
    expect(found.shape).toEqual(expected.shape);
    const scale = (tf.max(tf.abs(expected)).arraySync() as number) || 1;
    expect(found).toBeAllClose(expected, { rtol: 1e-5, atol: 1e-6 * scale });
  });

  const kept: { readonly [name: string]: Case } = {
    'of squares of sums of outer products, as of a weight that is used twice': (x, d, y, e) =>
      tf.sum(tf.square(tf.add(outer(x, d), outer(y, e))), 0),
    'of squares of products of matrices, as of a weight that is used at each step': (x, d) =>
      tf.sum(tf.square(tf.matMul(tf.reshape(x, [n / 2, 2, p]), tf.reshape(d, [n / 2, 2, q]), true)), 0),
    'of squares of differences that may be small': (x, d, _, __, w) =>
      tf.sum(tf.square(tf.sub(times(tf.slice(x, [0, 0], [n, 1]), tf.slice(d, [0, 0], [1, q])), tf.slice(w, [0, 0], [1, q]))), 0), // biome-ignore format: one line
    'of what is no product': (x, d) => tf.sum(tf.exp(outer(x, d)), 0),
  };

  test.each(Object.entries(kept))('sums %s stay', (_, f) => {
    const program = traceLike((...given) => f(...(given as Parameters<Case>)), inputs);
    expect(printedAfter(contractSums, program)).toBe(printedAfter((same) => same, program));
    const [found] = runOnce(program, inputs) as [tf.Tensor];
    expect(found).toBeAllClose(f(...(inputs as Parameters<Case>)), { rtol: 1e-5, atol: 1e-5 });
  });

  test('a small difference keeps its digits', () => {
    const [a, b] = [tf.linspace(1, 2, 64), tf.linspace(3, 4, 64)];
    const nearly = tf.mul(b, 1.5 * (1 + 1e-4));
    const f = (a: tf.Tensor, b: tf.Tensor, c: tf.Tensor): tf.Tensor =>
      tf.sum(tf.square(tf.sub(tf.mul(tf.reshape(a, [64, 1]), tf.reshape(b, [1, 64])), tf.reshape(c, [1, 64]))), 0);
    const same = tf.fill([64], 1.5);
    const [found] = runOnce(traceLike((...given) => f(...(given as [tf.Tensor, tf.Tensor, tf.Tensor])), [a, b, nearly]), [same, b, nearly]) as [tf.Tensor]; // biome-ignore format: one line
    expect(found).toBeAllClose(f(same, b, nearly), { rtol: 1e-3, atol: 0 });
  });
});

describe('random sums', () => {
  const [n, p, q] = [16, 4, 6];
  type Inputs = { readonly [name in 'x' | 'd' | 'e' | 'v' | 'w']: tf.Tensor };
  const elementwise: readonly ((z: tf.Tensor, inputs: Inputs) => tf.Tensor)[] = [
    (z) => tf.square(z),
    (z) => tf.neg(z),
    (z) => tf.mul(3, z),
    (z, { x, e }) => tf.mul(z, outer(x, e)),
    (z, { v }) => tf.mul(tf.reshape(v, [n, 1, 1]), z),
    (z, { d }) => tf.mul(z, tf.reshape(d, [n, 1, q])),
    (z, { w }) => tf.add(w, z),
    (z, { w }) => tf.sub(z, w),
    (z, { w }) => tf.sub(w, z),
    (z) => tf.mul(z, z),
  ];
  const movements: readonly ((z: tf.Tensor) => tf.Tensor)[] = [
    (z) => tf.transpose(z),
    (z) => tf.transpose(z, [...z.shape.keys()].map((i) => (i + 1) % z.rank)), // biome-ignore format: one line
    (z) => tf.reshape(z, [-1, ...z.shape.slice(2)]),
    (z) => tf.reshape(z, [2, -1, ...z.shape.slice(1)]),
    (z) => tf.reshape(z, [...z.shape.slice(0, -1), 1, z.shape.at(-1) as number]),
  ];
  const list = (kinds: readonly unknown[], maxLength: number): fc.Arbitrary<number[]> =>
    fc.array(fc.nat(kinds.length - 1), { maxLength });

  test('have the values of the program as it stands, and are mostly rewritten', () => {
    let rewritten = 0;
    const integers = (seed: number, ...shape: number[]): tf.Tensor =>
      tf.tidy(() => tf.round(tf.randomUniform(shape, -1.5, 1.5, 'float32', `${seed}`)));
    const property = fc.property(
      fc.nat(),
      list(elementwise, 3),
      list(movements, 3),
      fc.integer({ min: 1, max: 31 }),
      (seed, changes, moves, axes) => {
        const inputs = [[n, p], [n, q], [n, q], [n], [p, q]].map((shape, i) => integers(seed + i, ...shape)); // biome-ignore format: one line
        const f = (...[x, d, e, v, w]: tf.Tensor[]): tf.Tensor => {
          const given = { x: x!, d: d!, e: e!, v: v!, w: w! };
          const changed = changes.reduce((z, change) => elementwise[change]!(z, given), outer(x!, d!));
          const moved = moves.reduce((z, move) => movements[move]!(z), changed);
          return tf.sum(moved, [...moved.shape.keys()].filter((i) => (axes >> i) & 1)); // biome-ignore format: one line
        };
        const expected = f(...inputs);
        const program = traceLike(f, inputs);
        if (largest(simplify(program)) < n * p * q) rewritten++;
        const [found] = runOnce(program, inputs) as [tf.Tensor];
        // Integers: whatever is not exact is wrong.
        expect(Array.from(found.dataSync(), (z) => z + 0)).toEqual(Array.from(expected.dataSync(), (z) => z + 0));
        tf.dispose([inputs, found, expected]);
      },
    );
    fc.assert(property, { numRuns: 200, seed: 1 });
    expect(rewritten).toBeGreaterThan(75);
  });
});

/** The number of elements of the largest value that a program computes. */
function largest({ equations }: Program): number {
  return Math.max(...equations.flatMap(({ outputs }) => outputs.map(({ shape }) => sizeOf(shape))));
}

describe('equal to the sum of the product as it is', () => {
  const draw = (seed: number, shape: readonly number[]): tf.Tensor =>
    tf.randomNormal([...shape], 0, 1, 'float32', seed);
  const compare = (f: (...xs: tf.Tensor[]) => tf.Tensor, shapes: readonly (readonly number[])[]): void => {
    const inputs = shapes.map((shape, i) => draw(i + 1, shape));
    const [sum] = runOnce(traceLike(f, inputs), inputs);
    // Sums of signed products, of which some nearly cancel.
    expect(sum).toBeAllClose(f(...inputs), { rtol: 1e-4, atol: 1e-3 });
  };

  test('where a third factor has an axis that is summed over', () => {
    compare(
      (a, b, c) => tf.sum(tf.mul(tf.mul(a!, b!), c!), [3, 4]),
      [
        [6, 1, 1, 5, 7],
        [1, 8, 1, 5, 7],
        [1, 1, 9, 1, 7],
      ],
    );
  });

  test('where the operands of a product repeat along its inner axis', () => {
    const f = (u: tf.Tensor, v: tf.Tensor): tf.Tensor =>
      tf.sum(tf.matMul(tf.broadcastTo(u, [12, 3]) as tf.Tensor2D, tf.broadcastTo(v, [3, 11]) as tf.Tensor2D), 0);
    compare(
      (u, v) => f(u!, v!),
      [
        [12, 1],
        [1, 11],
      ],
    );
  });

  test('for two to five factors, each with some of five axes', () => {
    const lengths = [4, 6, 5, 3, 7];
    const masks = fc.array(fc.integer({ min: 1, max: 31 }), { minLength: 2, maxLength: 5 });
    fc.assert(
      fc.property(masks, fc.integer({ min: 1, max: 31 }), (factors, summed) => {
        const axes = lengths.flatMap((_, axis) => ((summed >> axis) & 1 ? [axis] : []));
        const shapes = factors.map((mask) => lengths.map((length, axis) => ((mask >> axis) & 1 ? length : 1)));
        compare(
          (...xs) =>
            tf.sum(
              xs.reduce((product, x) => tf.mul(product, x)),
              axes,
            ),
          shapes,
        );
      }),
      { numRuns: 200, seed: 4 },
    );
  });
});

test('an unrolled recurrence with products ends soon', () => {
  const program = traceOf((x, d) => {
    let [position, momentum] = [outer(x!, d!), outer(d!, x!)] as [tf.Tensor, tf.Tensor];
    momentum = tf.transpose(momentum, [0, 2, 1]);
    for (let i = 0; i < 40; i++) {
      momentum = tf.sub(momentum, tf.mul(0.3, position));
      position = tf.add(position, tf.mul(0.7, momentum));
    }
    return tf.sum(position, 0);
  }, layer);
  // Without a bound the time doubles with each step: this would take longer than the universe has.
  expect(simplify(program).equations.length).toBeGreaterThan(40);
});
