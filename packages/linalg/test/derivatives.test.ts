// Derivatives of orders 1 to 3: in float64 against differences of the order below, and on the devices against float64.
import '@posteriors/backend/cpu';
import '@posteriors/backend/wasm';
import { grad, jvp, vjp } from '@posteriors/autodiff';
import { type Program, setBackend } from '@posteriors/backend';
import { interpret, type NdArray } from '@posteriors/interpreter';
import '@posteriors/testing';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import { cholesky, eigh, logDeterminant, svd } from '../src/index.ts';
import { type Case, cases } from './cases.ts';
import { difference, draw, largest, numbers, programOf, runOnDevice, shapeOf } from './float64.ts';

type Tensor = tf.Tensor;
type Function = (xs: Tensor[]) => Tensor;

const inner = (as: readonly Tensor[], bs: readonly Tensor[]): Tensor =>
  as.map((a, i) => tf.sum(tf.mul(a, bs[i]!))).reduce((a, b) => tf.add(a, b));

/** y + y^2 / 2 + y^3 / 8: gives what is linear derivatives of all orders. */
const bend = (y: Tensor): Tensor => tf.add(y, tf.mul(tf.square(y), tf.add(tf.mul(y, 0.125), 0.5)));

const outputs = [
  'bent',
  'jvp',
  'jvp 2',
  'jvp 3',
  'loss',
  'slope',
  'forward over reverse',
  'reverse over reverse',
  'reverse 3',
  'mismatch',
] as const;
type Output = (typeof outputs)[number];

/** What each derivative is the directional derivative of. */
const derivativeOf: readonly [Output, Output][] = [
  ['jvp', 'bent'],
  ['jvp 2', 'jvp'],
  ['jvp 3', 'jvp 2'],
  ['slope', 'loss'],
  ['forward over reverse', 'slope'],
  ['reverse over reverse', 'slope'],
  ['reverse 3', 'reverse over reverse'],
];

interface Checked {
  readonly program: Program<Tensor>;
  readonly inputs: readonly NdArray[];
  readonly directions: readonly NdArray[];
}

/** The program of all derivatives of a case, along one direction and with one set of weights of its value. */
function derivatives({ f, shapes }: Case): Checked {
  const of: Function = (xs) => f(...xs);
  const next = numbers(17);
  const xs = draw(shapes, next);
  const directions = draw(shapes, next);
  const all = [...xs, ...directions, ...draw([shapeOf(of, shapes)], next)];
  const program = programOf(
    (tensors) => {
      const points = tensors.slice(0, xs.length);
      const vs = tensors.slice(xs.length, 2 * xs.length);
      const weight = tensors[2 * xs.length]!;
      const bent: Function = (at) => bend(of(at));
      const push =
        (g: Function): Function =>
        (at) =>
          jvp(g, [at], [vs])[1];
      const loss: Function = (at) => tf.sum(tf.mul(weight, bent(at)));
      const slope: Function = (at) => inner(grad(loss)(at), vs);
      const forwardReverse: Function = (at) => inner(jvp(grad(loss), [at], [vs])[1], vs);
      const reverseReverse: Function = (at) => inner(grad(slope)(at), vs);
      const reverse3: Function = (at) => inner(grad(reverseReverse)(at), vs);
      const [cotangents] = vjp(of, [points]).pullback(weight);
      // <u, J v> - <J^T u, v>
      const mismatch = tf.sub(tf.sum(tf.mul(weight, push(of)(points))), inner(cotangents, vs));
      return [
        bent(points),
        push(bent)(points),
        push(push(bent))(points),
        push(push(push(bent)))(points),
        loss(points),
        slope(points),
        forwardReverse(points),
        reverseReverse(points),
        reverse3(points),
        mismatch,
      ];
    },
    all.map(({ shape }) => shape),
  );
  return { program, inputs: all, directions };
}

const known = new Map<Case, Checked>();
function checkedOf(each: Case): Checked {
  const checked = known.get(each) ?? derivatives(each);
  known.set(each, checked);
  return checked;
}

const table = cases.map((each) => [each.name, each] as const);

describe('float64', () => {
  test.each(table)('%s', (_, each) => {
    const { program, inputs, directions } = checkedOf(each);
    const results = interpret(program, inputs).map(({ values }) => values);
    const result = (name: Output): Float64Array => results[outputs.indexOf(name)]!;
    for (const [derivative, primitive] of derivativeOf) {
      const expected = difference(program, outputs.indexOf(primitive), inputs, directions);
      // Beside it, what rounding of the primitive does to differences.
      const atol = 1e-6 * largest(expected) + 1e-9 * (1 + largest(result(primitive)));
      expect(result(derivative), derivative).toBeAllClose(expected, { rtol: 0, atol });
    }
    expect(result('mismatch')).toBeAllClose([0], { rtol: 0, atol: 1e-11 * (1 + largest(result('slope'))) });
  });
});

describe.each(['cpu', 'wasm'] as const)('%s', (device) => {
  test.each(table)('%s', async (_, each) => {
    await setBackend(device);
    const { program, inputs } = checkedOf(each);
    const expected = interpret(program, inputs);
    runOnDevice(program, inputs).forEach((values, i) => {
      if (outputs[i] === 'mismatch') return;
      const atol = 1e-4 * largest(expected[i]!.values) + 1e-6;
      expect(values, outputs[i]).toBeAllClose(expected[i]!.values, { rtol: 0, atol });
    });
  });

  test('gradients are symmetric', async () => {
    await setBackend(device);
    const a = tf.tensor2d([
      [4, 1, 2],
      [1, 3, 0.5],
      [2, 0.5, 5],
    ]);
    const weights = tf.tensor2d([
      [1, 5, -3],
      [2, 1, 4],
      [-1, 2, 0.5],
    ]);
    for (const f of [cholesky, (x: Tensor) => eigh(x).vectors]) {
      const gradient = grad((x: Tensor) => tf.sum(tf.mul(f(x), weights)))(a);
      expect(gradient).toBeAllClose(tf.transpose(gradient), { rtol: 1e-5, atol: 1e-6 });
      expect(Math.max(...gradient.dataSync().map(Math.abs))).toBeGreaterThan(0.1);
    }
    expect(grad(logDeterminant)(tf.eye(3))).toBeAllClose(tf.eye(3));
  });

  test('sums over equal eigenvalues and singular values', async () => {
    await setBackend(device);
    // sum w^3 = tr a^3, of gradient 3 a^2; the eigenvalues of 2 I + ones are 2, 2 and 5.
    const a = tf.add(tf.mul(tf.eye(3), 2), tf.ones([3, 3]));
    const cubes = (x: Tensor): Tensor => tf.sum(tf.pow(eigh(x).values, 3));
    expect(grad(cubes)(a)).toBeAllClose(tf.mul(tf.matMul(a, a), 3), { rtol: 1e-4 });
    const squares = (x: Tensor): Tensor => tf.sum(tf.square(svd(x).values));
    const b = tf.tensor2d([
      [0, 2],
      [2, 0],
      [0, 0],
    ]);
    expect(grad(squares)(b)).toBeAllClose(tf.mul(b, 2), { rtol: 1e-5, atol: 1e-6 });
    expect(grad(squares)(tf.zeros([3, 2]))).toBeAllClose(tf.zeros([3, 2]));
  });

  test("under tfjs's own gradient", async () => {
    await setBackend(device);
    const a = tf.tensor2d([
      [2, 1],
      [1, 2],
    ]);
    const gradient = tf.grad((x) => logDeterminant(x))(a);
    expect(gradient).toBeAllClose([
      [2 / 3, -1 / 3],
      [-1 / 3, 2 / 3],
    ]);
  });
});
