import '../src/cpu.ts';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, expect, test } from 'vitest';
import { record, setBackend, trace } from '../src/index.ts';
import { engineState, expectError } from './engine-state.ts';
import { float, hooks, runOnce, traceOf } from './traced.ts';

type Tensor = tf.Tensor;

beforeAll(() => setBackend('cpu'));

test('reading a traced value', async () => {
  expectError(
    (x) => tf.scalar(x.dataSync()[0] as number),
    /dataSync: the value of a traced tensor float32\[2\] was read/,
  );
  expectError((x) => tf.tensor(x.arraySync()), /was read.*tf\.where/);
  expectError((x) => tf.tidy(() => tf.tensor(tf.relu(tf.add(x, 1)).dataSync())), /was read/);
  expectError((x) => x.dataToGPU().tensorRef, /dataToGPU/);
  expectError((x) => {
    void x.data();
    return x;
  }, /data: the value of a traced tensor/);
  expectError((x) => tf.scalar(String(x).length), /was read/);
});

test('a tracer that escaped', () => {
  let kept: Tensor | undefined;
  traceOf(
    (x) => {
      kept = tf.exp(x);
      return x;
    },
    [float(2)],
  );
  expect(() => kept!.dataSync()).toThrow(/had returned/);
  expect(() => tf.add(kept!, 1)).toThrow(/had returned/);
  expectError((x) => tf.add(x, kept!), /had returned/);
  expect(() =>
    runOnce(
      traceOf((x) => x, [float(2)]),
      [kept!],
    ),
  ).toThrow(/had returned/);
});

test('variables', () => {
  const v = tf.variable(tf.tensor1d([1, 2]), true, 'the-variable');
  expectError((x) => tf.variable(x), /a tf\.Variable cannot be made while a function is traced/);
  expectError((x) => {
    v.assign(tf.tensor1d([1, 2]));
    return x;
  }, /the variable the-variable cannot be assigned/);
  expectError((x) => {
    v.assign(x as tf.Tensor1D);
    return x;
  }, /cannot be assigned/);
  expectError((x) => {
    v.dispose();
    return x;
  }, /the variable the-variable cannot be disposed/);
  expect(v.isDisposed).toBe(false);
  v.assign(tf.tidy(() => tf.tensor1d([3, 4])) as tf.Tensor1D);
  expect(v.arraySync()).toEqual([3, 4]);
  v.dispose();
});

test('a tensor disposed before', () => {
  const gone = tf.tensor1d([1, 2]);
  gone.dispose();
  expectError((x) => tf.add(x, gone), /disposed/);
  expectError(() => gone, /a disposed tensor float32\[2\] is used/);
  const complex = tf.tidy(() => tf.complex([1, 2], [3, 4]));
  complex.dispose();
  expectError((x) => tf.real(tf.mul(tf.complex(x, x), complex)), /a disposed tensor complex64\[2\] is used/);
});

test('a kernel without a shape rule is named', () => {
  expectError((x) => tf.unique(x).values, /kernel Unique cannot be traced: the shape of its result depends on values/);
});

test('operands that do not fit', () => {
  expectError((x) => tf.add(x, tf.tensor1d([1, 2, 3])), /2.*3/);
  expectError((x) => record('Reshape', [x], { shape: [3] }), /Reshape: \[2\] has 2 elements, \[3\] has 3/);
  expectError((x) => record('BroadcastTo', [x], { shape: [3] }), /do not broadcast|does not broadcast/);
  expectError(
    (x) =>
      record('BatchMatMul', [tf.reshape(x, [2, 1]), tf.reshape(x, [2, 1])], { transposeA: false, transposeB: false }),
    /BatchMatMul: \[2,1\] and \[2,1\]/,
  );
  expectError((x) => record('Select', [tf.greater(x, 0), x, tf.scalar(0)]), /Select: shapes/);
  expectError((x) => tf.sum(x, 3), /axis 3 is outside of a tensor of rank 1/);
});

test('hidden randomness', () => {
  const random = Math.random;
  expectError(() => tf.randomNormal([2]), /draws hidden random numbers.*@posteriors\/random/);
  expectError((x) => tf.dropout(x, 0.5), /hidden random/);
  expectError((x) => tf.mul(x, Math.random()), /^Math\.random draws/);
  expectError(
    (x) => tf.mul(x, globalThis.crypto.getRandomValues(new Uint8Array(1))[0] as number),
    /crypto\.getRandomValues/,
  );
  expect(Math.random).toBe(random);
  expect(tf.randomNormal([2]).size).toBe(2);
});

test('thrown by the function, deep within scopes', () => {
  expectError(() => {
    throw new Error('the function itself');
  }, 'the function itself');
  expectError(
    (x) =>
      tf.tidy(() =>
        tf.tidy(() => {
          // biome-ignore format: nested
          tf.engine().startScope('left open');
          tf.add(x, 1);
          throw new Error('deep');
        }),
      ),
    'deep',
  );
  expectError((x) => tf.engine().runKernel('NoSuchKernel', { x }), /kernel NoSuchKernel has no shape rule/);
});

test('an async function', async () => {
  const before = engineState();
  const later = async (inputs: Tensor[]): Promise<Tensor[]> => {
    await Promise.resolve();
    return [tf.exp(inputs[0]!)];
  };
  expect(() => trace(later as unknown as (inputs: Tensor[]) => Tensor[], [float(2)], hooks)).toThrow(
    /the function is async/,
  );
  expect(engineState()).toEqual(before);
  await new Promise((resolve) => setTimeout(resolve));
});

test('gradients are asked for where the caller said', () => {
  expectError((x) => tf.grad((y) => tf.sum(tf.square(y)))(x), 'gradients were asked for');
  const square = tf.customGrad((x, save) => {
    (save as (tensors: Tensor[]) => void)([x as Tensor]);
    return { value: tf.square(x as Tensor), gradFunc: (dy: Tensor) => dy };
  });
  expectError((x) => square(x), 'a custom gradient was made');

  const gradient = ([x]: Tensor[]): Tensor[] => [tf.grad((y: Tensor) => tf.sum(tf.square(y)))(x!)];
  expect(() => trace(gradient, [float(2)])).toThrow('gradients within a traced function need @posteriors/autodiff');
  expect(() => trace(([x]) => [square(x!)], [float(2)])).toThrow('tf.customGrad within a traced function needs');
});
