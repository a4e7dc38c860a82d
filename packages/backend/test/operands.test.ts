// Tensors that share memory under several shapes, as right operands of products.
import '../src/cpu.ts';
import '../src/wasm.ts';
import { expectNoLeak } from '@posteriors/testing';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { currentBackend, type Executable, type RunInput, setBackend, theEngine } from '../src/index.ts';
import { float, traceOf } from './traced.ts';

type Tensor = tf.Tensor;

const compile = (...args: Parameters<typeof traceOf>): Executable => currentBackend().compile(traceOf(...args));
const values = (executable: Executable, ...inputs: RunInput[]): unknown =>
  tf.tidy(() => executable.run(inputs)[0]!.arraySync());

describe.each(['cpu', 'wasm'] as const)('on %s', (device) => {
  beforeAll(() => setBackend(device));

  test('an input and a reshape of it, in either order', () => {
    for (const order of [
      [0, 1, 0],
      [1, 0, 1],
    ]) {
      const x = tf.tensor2d([1, 2, 3, 4, 5, 6], [2, 3]);
      const y = tf.reshape(x, [3, 2]);
      const wide = compile((a, b) => tf.matMul(a!, b!), [float(1, 2), float(2, 3)]);
      const tall = compile((a, b) => tf.matMul(a!, b!), [float(1, 3), float(3, 2)]);
      const buffers = theEngine().backend.numDataIds();
      expectNoLeak(() => {
        for (const which of order) {
          if (which === 0) expect(values(wide, Float32Array.of(1, 1), x)).toEqual([[5, 7, 9]]);
          else expect(values(tall, Float32Array.of(1, 1, 1), y)).toEqual([[9, 12]]);
        }
      });
      expect(theEngine().backend.numDataIds()).toBe(buffers);
      tf.dispose([x, y]);
      wide.dispose();
      tall.dispose();
    }
  });

  test('a constant, a result, and what tfjs itself multiplies afterwards', () => {
    const x = tf.tensor2d([1, 2, 3, 4, 5, 6], [2, 3]);
    const y = tf.reshape(x, [3, 2]);
    const constant = compile((a) => tf.matMul(a!, y), [float(1, 3)]);
    expect(values(constant, Float32Array.of(1, 1, 1))).toEqual([[9, 12]]);
    expect(tf.matMul(tf.ones([1, 2]), x).arraySync()).toEqual([[5, 7, 9]]);

    const reshaped = compile((a) => [tf.neg(a!), tf.reshape(tf.neg(a!), [3, 2])], [float(2, 3)]);
    const [same, other] = reshaped.run([x]) as [Tensor, Tensor];
    const wide = compile((a, b) => tf.matMul(a!, b!), [float(1, 2), float(2, 3)]);
    const tall = compile((a, b) => tf.matMul(a!, b!), [float(1, 3), float(3, 2)]);
    expect(values(wide, Float32Array.of(1, 1), same)).toEqual([[-5, -7, -9]]);
    expect(values(tall, Float32Array.of(1, 1, 1), other)).toEqual([[-9, -12]]);
    expect(values(wide, Float32Array.of(1, 1), same)).toEqual([[-5, -7, -9]]);
    tf.dispose([x, y, same, other]);
    for (const executable of [constant, reshaped, wide, tall]) executable.dispose();
  });

  test('a product that fails frees the copy', () => {
    const product = tf.getKernel('BatchMatMul', device);
    tf.unregisterKernel('BatchMatMul', device);
    tf.registerKernel({
      ...product,
      kernelFunc: () => {
        throw new Error('the product failed');
      },
    });
    const executable = compile((a, b) => tf.matMul(a!, tf.reshape(b!, [3, 2])), [float(1, 3), float(2, 3)]);
    tf.unregisterKernel('BatchMatMul', device);
    tf.registerKernel(product);
    const buffers = theEngine().backend.numDataIds();
    const inputs = [new Float32Array(3), new Float32Array(6)];
    expectNoLeak(() => expect(() => executable.run(inputs)).toThrow('the product failed'));
    expect(theEngine().backend.numDataIds()).toBe(buffers);
    executable.dispose();
  });
});
