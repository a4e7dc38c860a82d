// What a Hessian-vector product costs beside a gradient, in the operations of the programs that run.
import '@posteriors/backend/cpu';
import { type Equation, type KernelEquation, setBackend } from '@posteriors/backend';
import * as tf from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { grad, hvp } from '../src/index.ts';
import { programOf, sizeOf } from './float64.ts';

await setBackend('cpu');

type Tensor = tf.Tensor;
type Layer = readonly [weights: Tensor, bias: Tensor];
type Parameters = readonly [Layer, Layer];

const [batch, pixels, hidden, classes] = [32, 784, 64, 10];

/** The cross entropy of a network 784-64-10, a mean over the batch. */
function loss([[weights1, bias1], [weights2, bias2]]: Parameters, images: Tensor, labels: Tensor): Tensor {
  const features = tf.relu(tf.add(tf.matMul(images, weights1), bias1));
  const logits = tf.add(tf.matMul(features, weights2), bias2);
  return tf.neg(tf.mean(tf.sum(tf.mul(tf.oneHot(labels, classes), tf.logSoftmax(logits)), 1)));
}

/** Kernels that compute nothing. */
const movement = new Set('Reshape Transpose BroadcastTo Slice Concat PadV2 Cast Identity Reverse GatherV2'.split(' '));

/** Floating-point operations: two for each multiplication of a product, else one for each element read or written, whichever are more. */
function flops(equation: Equation): number {
  const { kernel, inputs, outputs, attributes } = equation as KernelEquation;
  const result = sizeOf(outputs[0]!.shape);
  if (kernel !== 'BatchMatMul') {
    return movement.has(kernel) ? 0 : Math.max(result, ...inputs.map(({ shape }) => sizeOf(shape)));
  }
  const a = inputs[0]!;
  return 2 * result * a.shape[a.shape.length - (attributes['transposeA'] ? 2 : 1)]!;
}

const shapes = [[pixels, hidden], [hidden], [hidden, classes], [classes]];
const float = (shape: readonly number[]) => ({ shape, dtype: 'float32' }) as const;
const layers = ([a, b, c, d]: readonly Tensor[]): Parameters => [
  [a!, b!],
  [c!, d!],
];
const data = [float([batch, pixels]), { shape: [batch], dtype: 'int32' }] as const;

/** All operations of a program, and those of its matrix products. */
function countFlops({ equations }: ReturnType<typeof programOf>): { all: number; products: number } {
  const sum = (list: readonly Equation[]): number => list.reduce((total, equation) => total + flops(equation), 0);
  expect(equations.map(({ type }) => type)).toEqual(equations.map(() => 'kernel'));
  const products = equations.filter((equation) => (equation as KernelEquation).kernel === 'BatchMatMul');
  return { all: sum(equations), products: sum(products) };
}

const gradient = programOf(
  (xs) => grad(loss)(layers(xs), xs[4]!, xs[5]!).flat() as Tensor[],
  [...shapes.map(float), ...data],
);
const product = programOf(
  (xs) => {
    const f = (p: Parameters): Tensor => loss(p, xs[8]!, xs[9]!);
    return hvp(f, [layers(xs)], [layers(xs.slice(4))]).flat(3) as Tensor[];
  },
  [...shapes.map(float), ...shapes.map(float), ...data],
);

test('a gradient multiplies each matrix once forward and once for each factor that is differentiated', () => {
  const [first, second] = [2 * batch * pixels * hidden, 2 * batch * hidden * classes];
  expect(countFlops(gradient).products).toBe(2 * first + 3 * second);
});

test('a Hessian-vector product with its gradient takes at most 3.5 times the operations of the gradient', () => {
  const [once, twice] = [countFlops(gradient), countFlops(product)];
  expect(product.outputs.length).toBe(2 * gradient.outputs.length);
  expect(twice.all / once.all).toBeLessThan(3.5);
  // It is not less than what there is to compute: the tangent of each product has one term for each factor that moves.
  expect(twice.products).toBeGreaterThan(once.products);
});
