// Pools: what tfjs gets wrong on some device, its conventions at ties, and models that pool.
import '@posteriors/backend/cpu';
import '@posteriors/backend/wasm';
import { setBackend } from '@posteriors/backend';
import '@posteriors/testing';
import { leaves } from '@posteriors/tree';
import * as tf from '@tensorflow/tfjs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { grad, jit, modelParameters, modelToFunction, vmap } from '../src/index.ts';

type Tensor = tf.Tensor;

/** Numbers between `low` and `high` in no order. */
function numbers(shape: number[], low = -1, high = 1): Tensor {
  const size = shape.reduce((product, n) => product * n, 1);
  return tf.tensor(
    Float32Array.from({ length: size }, (_, i) => low + ((high - low) * (((i + 1) * 37) % 101)) / 101),
    shape,
  );
}

const image = (x: Tensor): tf.Tensor4D => x as tf.Tensor4D;
const volume = (x: Tensor): tf.Tensor5D => x as tf.Tensor5D;

const pools: [string, (x: Tensor) => Tensor, number[]][] = [];
for (const [name, pool] of [
  ['maxPool', tf.maxPool],
  ['avgPool', tf.avgPool],
] as const) {
  for (const size of [1, 2, 3]) {
    for (const stride of [1, 2, 3]) {
      for (const pad of ['same', 'valid'] as const) {
        pools.push([
          `${name} of ${size}, stride ${stride}, ${pad}`,
          (x) => pool(image(x), size, stride, pad),
          [2, 5, 6, 3],
        ]);
      }
    }
  }
  for (const rounding of ['floor', 'round', 'ceil'] as const) {
    pools.push([`${name} padded, ${rounding}`, (x) => pool(image(x), 3, 2, 1, rounding), [1, 6, 5, 2]]);
  }
  pools.push([`${name} of one image`, (x) => pool(x as tf.Tensor3D, [1, 2], [2, 1], 'valid'), [3, 4, 2]]);
}
for (const [name, pool] of [
  ['maxPool3d', tf.maxPool3d],
  ['avgPool3d', tf.avgPool3d],
] as const) {
  for (const pad of ['same', 'valid'] as const) {
    pools.push([`${name}, ${pad}`, (x) => pool(volume(x), [2, 3, 2], [1, 2, 2], pad), [2, 3, 5, 4, 2]]);
  }
  pools.push([`${name} of lines`, (x) => pool(volume(x), [2, 1, 1], [2, 1, 1], 'same'), [1, 3, 2, 2, 1]]);
}
pools.push(['a dilated pool', (x) => tf.pool(image(x), 2, 'avg', 'same', [2, 2]), [1, 5, 4, 2]]);
pools.push([
  'localResponseNormalization',
  (x) => tf.localResponseNormalization(image(x), 2, 1.5, 0.3, 0.75),
  [1, 2, 3, 7],
]);
pools.push([
  'a maximum with its place',
  (x) => tf.maxPoolWithArgmax(image(x), 2, 1, 'same')['indexes'] as Tensor,
  [2, 3, 4, 2],
]);
pools.push([
  'a maximum with its place in the batch',
  (x) => tf.maxPoolWithArgmax(image(x), 2, 2, 'valid', true)['indexes'] as Tensor,
  [2, 4, 4, 2],
]);
const erosion = (x: Tensor): Tensor =>
  tf.dilation2d(image(x), tf.tensor3d([0.1, 0.2, 0, -0.1], [2, 2, 1]), [1, 2], 'same', [2, 1]);
pools.push(['dilation2d', erosion, [1, 4, 5, 1]]);

await setBackend('cpu');
const ranges: [number, number][] = [
  [-1, 1],
  [-2, -1],
];
// The cpu device of tfjs has the pools of all-negative numbers right.
const expected = pools.map(([, f, shape]) =>
  ranges.map(([low, high]) => {
    const y = tf.tidy(() => f(numbers(shape, low, high)));
    return { shape: y.shape, values: y.dataSync() };
  }),
);

describe.each(['cpu', 'wasm'] as const)('%s', (device) => {
  beforeAll(async () => {
    await setBackend(device);
    tf.engine().startScope();
  });
  afterAll(() => tf.engine().endScope());

  test.each(pools.map(([name], i) => [name, i] as const))('%s equals tfjs', (_, i) => {
    const [, f, shape] = pools[i]!;
    ranges.forEach(([low, high], k) => {
      const y = jit(f)(numbers(shape, low, high));
      expect(y.shape).toEqual(expected[i]![k]!.shape);
      expect(y.dataSync()).toBeAllClose(expected[i]![k]!.values, { rtol: 1e-5, atol: 1e-6 });
    });
  });

  const slope = (f: (x: Tensor) => Tensor, x: Tensor): Float32Array =>
    grad((z: Tensor) => tf.sum(f(z)))(x).dataSync() as Float32Array;

  test('the first of several maxima gets the derivative', () => {
    expect([...slope((x) => tf.maxPool(image(x), 2, 2, 'valid'), tf.ones([1, 2, 4, 1]))]).toEqual([
      1, 0, 1, 0, 0, 0, 0, 0,
    ]);
    expect([...slope((x) => tf.maxPool3d(volume(x), 2, 2, 'valid'), tf.ones([1, 2, 2, 2, 1]))]).toEqual([
      1, 0, 0, 0, 0, 0, 0, 0,
    ]);
    const flat = (x: Tensor): Tensor => tf.dilation2d(image(x), tf.zeros([2, 2, 1]), 2, 'valid');
    expect([...slope(flat, tf.ones([1, 2, 4, 1]))]).toEqual([1, 0, 1, 0, 0, 0, 0, 0]);
  });

  test('negative maxima get the derivative', () => {
    const x = tf.tensor4d([-4, -3, -2, -5], [1, 2, 2, 1]);
    expect([...slope((z) => tf.maxPool(image(z), 2, 2, 'valid'), x)]).toEqual([0, 0, 1, 0]);
    expect([...slope((z) => tf.dilation2d(image(z), tf.fill([2, 2, 1], -1), 2, 'valid'), x)]).toEqual([0, 0, 1, 0]);
    const deep = tf.reshape(x, [1, 1, 2, 2, 1]);
    expect([...slope((z) => tf.maxPool3d(volume(z), [1, 2, 2], 2, 'valid'), deep)]).toEqual([0, 0, 1, 0]);
  });

  test('an average over a window at the edge is over what is inside of the image', () => {
    const corner = 1 / 4 + 2 / 6 + 1 / 9;
    const edge = 2 / 4 + 3 / 6 + 1 / 9;
    const middle = 4 / 4 + 4 / 6 + 1 / 9;
    const received = slope((x) => tf.avgPool(image(x), 3, 1, 'same'), tf.ones([1, 3, 3, 1]));
    expect(received[0]).toBeCloseTo(corner, 5);
    expect(received[4]).toBeCloseTo(middle, 5);
    expect(received[1]).toBeCloseTo(edge, 5);
  });

  test('a window with NaN has the maximum NaN, and the last NaN gets the derivative, as in PyTorch', () => {
    const pool = (x: Tensor): Tensor => tf.maxPool(image(x), 2, 2, 'valid');
    for (const [values, place] of [
      [[1, Number.NaN, 3, 4], 1],
      [[Number.NaN, 2, Number.NaN, 4], 2],
      [[Number.NEGATIVE_INFINITY, Number.NaN, Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY], 1],
    ] as const) {
      const x = tf.tensor4d([...values, 5, 6, 7, 8], [2, 2, 2, 1]);
      expect([...jit(pool)(x).dataSync()]).toEqual([Number.NaN, 8]);
      expect([...slope(pool, x)]).toEqual([0, 1, 2, 3, 4, 5, 6, 7].map((i) => Number(i === place || i === 7)));
    }
    const overlapping = tf.tensor4d([1, 2, Number.NaN, 3, 4], [1, 1, 5, 1]);
    const same = jit((x: Tensor) => tf.maxPool(image(x), [1, 3], 1, 'same'))(overlapping);
    expect([...same.dataSync()]).toEqual([2, Number.NaN, Number.NaN, Number.NaN, 4]);
    const volumes = jit((x: Tensor) => tf.maxPool3d(volume(x), [1, 2, 1], 1, 'valid'))(
      tf.reshape(overlapping, [1, 1, 5, 1, 1]),
    );
    expect([...volumes.dataSync()]).toEqual([2, Number.NaN, Number.NaN, 4]);
  });

  test('second derivatives', () => {
    const loss = (x: Tensor): Tensor =>
      tf.sum(tf.pow(tf.maxPool(image(tf.avgPool(image(x), 2, 1, 'same')), 2, 2, 'same'), 3));
    const x = numbers([1, 3, 3, 1]);
    const step = 1e-2;
    const along = numbers([1, 3, 3, 1], 1, -1);
    const derivative = (t: number): Tensor => grad(loss)(tf.add(x, tf.mul(along, t)));
    const differences = tf.div(tf.sub(derivative(step), derivative(-step)), 2 * step);
    const product = grad((z: Tensor) => tf.sum(tf.mul(grad(loss)(z), along)))(x);
    expect(product.dataSync()).toBeAllClose(differences.dataSync(), { rtol: 1e-3, atol: 1e-3 });
  });

  test('integers are pooled as what they are', () => {
    const x = tf.tensor4d([1, 5, -3, 2], [1, 2, 2, 1], 'int32');
    const y = jit((z: Tensor) => tf.maxPool(image(z), 2, 2, 'valid'))(x);
    expect(y.dtype).toBe('int32');
    expect([...y.dataSync()]).toEqual([5]);
  });

  test('a window that lies in the padding is refused', () => {
    expect(() => jit((x: Tensor) => tf.maxPool(image(x), 2, 2, 2, 'floor'))(tf.ones([1, 4, 4, 1]))).toThrow(
      'pooling: windows of 2 with stride 2 and padding 2 do not all meet an axis of length 4',
    );
    expect(() => jit((x: Tensor) => tf.avgPool(image(x), 5, 1, 'valid'))(tf.ones([1, 4, 4, 1]))).toThrow(
      'do not all meet',
    );
  });

  test('per-sample gradients of models that pool equal the loop', () => {
    const layers = [
      [tf.layers.maxPooling2d({ poolSize: 2, padding: 'same', inputShape: [5, 4, 2] })],
      [tf.layers.averagePooling2d({ poolSize: 3, strides: 2, padding: 'same', inputShape: [5, 4, 2] })],
      [
        tf.layers.upSampling2d({ size: [2, 2], inputShape: [5, 4, 2] }),
        tf.layers.globalMaxPooling2d({}),
        tf.layers.reshape({ targetShape: [2, 1] }),
      ],
      [tf.layers.reshape({ targetShape: [10, 4], inputShape: [5, 4, 2] }), tf.layers.maxPooling1d({ poolSize: 3 })],
      [
        tf.layers.reshape({ targetShape: [5, 4, 2, 1], inputShape: [5, 4, 2] }),
        tf.layers.averagePooling3d({ poolSize: [2, 2, 2] }),
      ],
    ];
    const x = numbers([3, 5, 4, 2]);
    for (const first of layers) {
      const model = tf.sequential({
        layers: [...first, tf.layers.flatten(), tf.layers.dense({ units: 2, activation: 'tanh' })],
      });
      const apply = modelToFunction(model);
      const parameters = modelParameters(model);
      const eager = model.predict(x) as Tensor;
      expect((jit(apply)(parameters, x) as Tensor).dataSync()).toBeAllClose(eager.dataSync(), {
        rtol: 1e-4,
        atol: 1e-5,
      });
      type Inputs = { readonly weights: typeof parameters; readonly row: Tensor };
      const loss = ({ weights, row }: Inputs): Tensor =>
        tf.sum(tf.square(apply(weights, tf.expandDims(row)) as Tensor));
      const slopes = (weights: typeof parameters, row: Tensor): Inputs => grad(loss)({ weights, row });
      const mapped = leaves(vmap(slopes, { inAxes: [null, 0] })(parameters, x));
      const looped = tf.unstack(x).map((row) => leaves(slopes(parameters, row)));
      expect(mapped.length).toBe(3);
      mapped.forEach((leaf, i) => {
        const rows = tf.stack(looped.map((each) => each[i]!));
        expect(leaf.dataSync()).toBeAllClose(rows.dataSync(), { rtol: 1e-5, atol: 1e-6 });
      });
      model.dispose();
    }
  });
});
