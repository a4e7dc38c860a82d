// Pools of images, and the elements they chose, against the kernels in JavaScript.
import '../src/cpu.ts';
import '../src/wasm.ts';
import { expectNoLeak } from '@posteriors/testing';
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { setBackend } from '../src/index.ts';
import { kernelOnWasm } from '../src/kernels-on-wasm.ts';
import { pooledShape } from '../src/kernels-pooling.ts';
import { runOnce, traceOf } from './traced.ts';

const sizes = fc.record({
  shape: fc.tuple(...[3, 9, 9, 11].map((max) => fc.integer({ min: 1, max }))),
  window: fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 4 })),
  strides: fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 })),
  special: fc.constantFrom(1, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY),
});

test.each([
  ['maxima', tf.maxPool],
  ['means', tf.avgPool],
] as const)('%s are those of cpu, NaN included', async (_, pool) => {
  await fc.assert(
    fc.asyncProperty(sizes, async ({ shape, window, strides, special }) => {
      const size = shape.reduce((a, b) => a * b, 1);
      // Few different ones, so that windows hold their largest more than once.
      const values = Float32Array.from({ length: size }, (_, i) => (i % 13 === 5 ? special : ((i * 7919) % 11) - 20));
      const results: Float32Array[] = [];
      for (const device of ['cpu', 'wasm'] as const) {
        await setBackend(device);
        expectNoLeak(() => {
          const x = tf.tensor4d(values, shape as [number, number, number, number]);
          const [result] = runOnce(
            traceOf((t) => pool(t as tf.Tensor4D, window, strides, 'same'), [{ shape, dtype: 'float32' }]),
            [x],
          );
          results.push(result!.dataSync() as Float32Array);
          tf.dispose([x, result!]);
        });
      }
      const [expected, received] = results as [Float32Array, Float32Array];
      const isSame = (x: number, i: number): boolean =>
        Object.is(x, expected[i]) || Math.abs(x - expected[i]!) <= 2 ** -22 * Math.abs(x);
      expect([...received].findIndex((x, i) => !isSame(x, i))).toBe(-1);
    }),
    { numRuns: 40, seed: 2 },
  );
});

/** Of a kernel, as devices run it. */
function resultOf(
  name: string,
  device: 'cpu' | 'wasm',
  inputs: { [name: string]: tf.Tensor },
  attrs: object,
): number[] {
  const backend = tf.backend();
  const { kernelFunc } = tf.getKernel(name, device);
  const chosen = device === 'wasm' ? kernelOnWasm(name, kernelFunc)! : kernelFunc;
  const info = chosen({ inputs: inputs as {}, attrs: attrs as {}, backend }) as tf.TensorInfo;
  const result = tf.engine().makeTensorFromTensorInfo(info);
  const values = [...result.dataSync()];
  result.dispose();
  return values;
}

/** To fewer digits than a sum of quotients has. */
const rounded = (x: number): number => Math.round(x * 2 ** 16) / 2 ** 16 + 0;

test('places of maxima, what lies there, its transpose, and that of means', async () => {
  await fc.assert(
    fc.asyncProperty(sizes, async ({ shape, window, strides, special }) => {
      const size = shape.reduce((a, b) => a * b, 1);
      const values = Float32Array.from({ length: size }, (_, i) => (i % 13 === 5 ? special : ((i * 7919) % 11) - 20));
      const padding = [
        [0, window[0] - 1],
        [window[1] - 1, 0],
      ];
      const attributes = { filterSize: window, strides, padding };
      const results: number[][][] = [];
      for (const device of ['cpu', 'wasm'] as const) {
        await setBackend(device);
        tf.tidy(() => {
          const x = tf.tensor4d(values, shape as [number, number, number, number]);
          const places = resultOf('MaxPoolArgmax', device, { x }, attributes);
          const pooled = [shape[0]!, places.length / shape[0]!];
          const found = tf.tensor(places, pooled, 'int32');
          const gathered = resultOf('GatherEach', device, { x, places: found }, {});
          const updates = tf.tensor(
            places.map((_, i) => (i % 17) - 3),
            pooled,
          );
          const back = { shape: shape.slice(1) };
          const scattered = resultOf('ScatterEach', device, { updates, places: found }, back);
          const dy = tf.tensor(
            places.map((_, i) => (i % 17) - 3),
            pooledShape(shape, attributes),
          );
          const spread = resultOf('AvgPoolTranspose', device, { dy }, { ...attributes, size: shape.slice(1, 3) });
          results.push([places, gathered, scattered, spread.map(rounded)]);
        });
      }
      expect(results[1]).toEqual(results[0]);
    }),
    { numRuns: 40, seed: 4 },
  );
});
