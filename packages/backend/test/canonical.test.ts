// What tfjs code does when it is traced and run is what it does eagerly.
import '../src/cpu.ts';
import '../src/wasm.ts';
import '@posteriors/testing';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, test } from 'vitest';
import { kernelSpec, printProgram, setBackend } from '../src/index.ts';
import { list, runOnce, traceLike } from './traced.ts';

type Tensor = tf.Tensor;
type Case = readonly [name: string, fn: (...inputs: Tensor[]) => Tensor | Tensor[], inputs: () => Tensor[]];

await setBackend('cpu');
await tf.ready();

/** Numbers between -2 and 2 without a pattern. */
const some = (...shape: number[]): Tensor => {
  const size = shape.reduce((a, b) => a * b, 1);
  return tf.tensor(
    Array.from({ length: size }, (_, i) => 2 * Math.sin(7.3 * i + 1 + shape.length)),
    shape,
  );
};
const positive = (...shape: number[]): Tensor => tf.abs(some(...shape)).add(0.1);
const ints = (values: number[], shape = [values.length]): Tensor => tf.tensor(values, shape, 'int32');
const bools = (values: number[], shape = [values.length]): Tensor => tf.tensor(values, shape, 'bool');
/** A condition of rank 1 that chooses rows: the kernel has it, `tf.where` no longer does. */
const rows = (condition: Tensor, t: Tensor, e: Tensor): Tensor =>
  tf.engine().runKernel('Select', { condition, t, e }) as Tensor;
const shapes = [() => [some(2, 3, 4)]];
const matrix = (): Tensor[] => [some(3, 4)];
const vector = (): Tensor[] => [some(5)];
const layers = (['linear', 'relu', 'relu6', 'elu', 'sigmoid', 'tanh', 'softmax', 'selu', 'softplus'] as const).map(
  (activation) =>
    tf.layers.dense({
      units: 3,
      activation,
      inputShape: [4],
      biasInitializer: tf.initializers.constant({ value: 0.3 }),
    }),
);
for (const layer of layers) layer.build([null, 4]);

const reductions = { sum: tf.sum, mean: tf.mean, prod: tf.prod, max: tf.max, min: tf.min, logSumExp: tf.logSumExp };

const cases: Case[] = [
  // Reductions and axes.
  ...Object.entries(reductions).flatMap(([op, reduce]): Case[] => [
    [`${op} of all`, (x) => reduce(x!), shapes[0]!],
    [`${op} over -1`, (x) => reduce(x!, -1), shapes[0]!],
    [`${op} over [2, 0], kept`, (x) => reduce(x!, [2, 0], true), shapes[0]!],
    [`${op} over [-1, -2]`, (x) => reduce(x!, [-1, -2]), shapes[0]!],
    [`${op} of a scalar`, (x) => reduce(x!), () => [tf.scalar(3)]],
    [`${op} kept of a vector`, (x) => reduce(x!, 0, true), vector],
  ]),
  ['mean of int32', (x) => tf.mean(x!), () => [ints([1, 2, 4])]],
  ['mean of bool', (x) => tf.mean(x!, -1), () => [bools([1, 0, 1, 1], [2, 2])]],
  ['sum of bool', (x) => tf.sum(x!), () => [bools([1, 0, 1, 1])]],
  ['all and any', (x) => [tf.all(x!, -1), tf.any(x!, 0, true), tf.any(x!)], () => [bools([1, 0, 1, 1], [2, 2])]],
  ['argMax and argMin', (x) => [tf.argMax(x!, -1), tf.argMin(x!, 1), tf.argMax(x!)], shapes[0]!],
  ['moments', (x) => Object.values(tf.moments(x!, [0, -1], true)), shapes[0]!],
  ['norm', (x) => [tf.norm(x!), tf.norm(x!, 1), tf.norm(x!, 'euclidean', 1, true), tf.norm(x!, Infinity, 0)], matrix],
  ['cumsum', (x) => [tf.cumsum(x!, 2), tf.cumsum(x!, 1, true, true), tf.cumsum(x!)], shapes[0]!],
  ['cumprod', (x) => [tf.cumprod(x!, 2), tf.cumprod(x!, 1, true, true)], shapes[0]!],
  ['softmax, logSoftmax', (x) => [tf.softmax(x!), tf.logSoftmax(x!), tf.logSoftmax(x!, -1)], shapes[0]!],
  // Shapes.
  ['reshape with -1', (x) => [tf.reshape(x!, [-1, 4]), tf.reshape(x!, [4, -1, 2])], shapes[0]!],
  [
    'expandDims',
    (x) => [tf.expandDims(x!), tf.expandDims(x!, -1), tf.expandDims(x!, -2), tf.expandDims(x!, 2)],
    matrix,
  ],
  ['squeeze', (x) => [tf.squeeze(x!), tf.squeeze(x!, [-1]), tf.squeeze(x!, [0])], () => [some(1, 3, 1)]],
  ['flatten', (x) => x!.flatten(), matrix],
  ['transpose', (x) => [tf.transpose(x!), tf.transpose(x!, [1, 0, 2]), tf.transpose(x!, [0, 1, 2])], shapes[0]!],
  ['tile', (x) => [tf.tile(x!, [1, 1, 1]), tf.tile(x!, [2, 1, 3])], shapes[0]!],
  ['tile of axes of length 1', (x) => tf.tile(x!, [3, 2, 2]), () => [some(1, 3, 1)]],
  ['tile none', (x) => tf.tile(x!, [0, 2]), matrix],
  ['broadcastTo', (x) => [tf.broadcastTo(x!, [2, 3, 4]), tf.broadcastTo(x!, [3, 4])], () => [some(3, 1)]],
  ['reverse', (x) => [tf.reverse(x!), tf.reverse(x!, -1), tf.reverse(x!, [0, 2])], shapes[0]!],
  [
    'cast',
    (x) => [tf.cast(x!, 'int32'), tf.cast(x!, 'bool'), tf.cast(x!, 'float32')],
    () => [tf.tensor1d([0, -1.7, 2.2])],
  ],
  ['clone', (x) => tf.clone(x!), matrix],
  // Constants.
  ['fill', () => [tf.fill([2, 3], 0.5), tf.fill([2], 7, 'int32'), tf.fill([], 2)], () => []],
  ['zerosLike, onesLike', (x) => [tf.zerosLike(x!), tf.onesLike(x!), tf.zerosLike(tf.cast(x!, 'int32'))], matrix],
  ['zeros, ones, eye', () => [tf.zeros([2, 2]), tf.ones([3], 'int32'), tf.eye(3)], () => []],
  [
    'range',
    () => [tf.range(0, 5), tf.range(5, 0, -2), tf.range(0, 1, 0.25), tf.range(3, 3), tf.range(0, 4, 1, 'int32')],
    () => [],
  ],
  ['range, counting down by default', () => tf.range(4, 1, -1), () => []],
  ['linspace', () => [tf.linspace(0, 1, 5), tf.linspace(2, -1, 4), tf.linspace(3, 9, 1)], () => []],
  [
    'oneHot',
    (x) => [tf.oneHot(x!, 4), tf.oneHot(x!, 4, 2, -1), tf.oneHot(x!, 3, 1, 0, 'float32')],
    () => [ints([0, 3, 1, 2])],
  ],
  ['oneHot of a matrix, and outside', (x) => tf.oneHot(x!, 2), () => [ints([0, 1, -1, 5], [2, 2])]],
  // Slices and joins.
  [
    'slice',
    (x) => [tf.slice(x!, [1, 0, 2]), tf.slice(x!, [0, 1], [-1, 2]), tf.slice(x!, 1, 1), tf.slice(x!, [0, 0, 0])],
    shapes[0]!,
  ],
  ['slice of nothing', (x) => tf.slice(x!, [1, 1], [0, 2]), matrix],
  ['stridedSlice', (x) => tf.stridedSlice(x!, [0, 1], [3, 4], [2, 1]), matrix],
  ['stridedSlice, backwards', (x) => tf.stridedSlice(x!, [2, 3], [-4, -5], [-1, -2]), matrix],
  ['stridedSlice with masks', (x) => tf.stridedSlice(x!, [1, 1], [2, 2], [1, 1], 1, 2), matrix],
  ['stridedSlice that drops an axis', (x) => tf.stridedSlice(x!, [1, 0], [2, 4], [1, 1], 0, 0, 0, 0, 1), matrix],
  ['stridedSlice with an ellipsis', (x) => tf.stridedSlice(x!, [0, 1], [0, 3], [1, 1], 0, 0, 1), shapes[0]!],
  ['stridedSlice with a new axis', (x) => tf.stridedSlice(x!, [0, 1], [0, 3], [1, 1], 0, 0, 0, 1), matrix],
  ['split', (x) => [...tf.split(x!, 2, -1), ...tf.split(x!, [1, -1, 1], 1), ...tf.split(x!, [1, 2])], matrix],
  ['unstack', (x) => [...tf.unstack(x!), ...tf.unstack(x!, -1)], matrix],
  ['stack', (x, y) => [tf.stack([x!, y!]), tf.stack([x!, y!], -1), tf.stack([x!], 1)], () => [some(3, 2), some(3, 2)]],
  [
    'concat',
    (x, y) => [tf.concat([x!, y!]), tf.concat([x!]), tf.concat([x!, y!, x!], 0)],
    () => [some(3, 2), some(1, 2)],
  ],
  ['concat on -1', (x, y) => tf.concat([x!, y!], -1), () => [some(3, 2), some(3, 1)]],
  ['concat with nothing', (x, y) => tf.concat([x!, y!]), () => [some(2, 3), tf.zeros([0, 3])]],
  ['pad', (x) => [tf.pad(x!, [[1, 0], [2, 1]]), tf.pad(x!, [[0, 0], [1, 1]], 7)], matrix], // biome-ignore format: one line
  [
    'gather',
    (x, i) => [tf.gather(x!, i!), tf.gather(x!, i!, -1), tf.gather(x!, i!, 1)],
    () => [some(3, 4), ints([2, 0, 0, 1], [2, 2])],
  ],
  ['gather one', (x, i) => tf.gather(x!, i!), () => [some(3, 4), tf.scalar(2, 'int32')]],
  ['gatherND', (x, i) => tf.gatherND(x!, i! as tf.Tensor2D), () => [some(3, 4), ints([2, 0, 0, 1], [2, 2])]],
  ['scatterND', (i, x) => tf.scatterND(i! as tf.Tensor2D, x!, [5]), () => [ints([0, 3, 0], [3, 1]), some(3)]],
  [
    'unsortedSegmentSum',
    (x, i) => tf.unsortedSegmentSum(x!, i! as tf.Tensor1D, 4),
    () => [some(3, 2), ints([0, 3, 0])],
  ],
  // Arithmetic.
  [
    'arithmetic',
    (a, b) => [a!.add(b!), a!.sub(b!), a!.mul(b!), a!.div(b!), a!.mod(b!), a!.maximum(b!)],
    () => [some(3, 1), some(4)],
  ],
  [
    'pow, squaredDifference, atan2',
    (a, b) => [tf.pow(a!, b!), tf.squaredDifference(a!, b!), tf.atan2(a!, b!)],
    () => [positive(3, 4), some(4)],
  ],
  [
    'int32 arithmetic',
    (a, b) => [tf.add(a!, b!), tf.sub(a!, b!), tf.mul(a!, b!), tf.mod(a!, b!), tf.floorDiv(a!, b!), tf.div(a!, b!)],
    () => [ints([7, -7, 5]), ints([2])],
  ],
  ['mixed dtypes', (a, b) => [tf.add(a!, b!), tf.mul(a!, b!), tf.greater(a!, b!)], () => [ints([7, -7, 5]), some(3)]],
  [
    'comparisons',
    (a, b) => [tf.equal(a!, b!), tf.notEqual(a!, b!), tf.less(a!, b!), tf.lessEqual(a!, b!), tf.greaterEqual(a!, b!)],
    () => [some(3, 1), some(3)],
  ],
  [
    'logic',
    (a, b) => [tf.logicalAnd(a!, b!), tf.logicalOr(a!, b!), tf.logicalXor(a!, b!), tf.logicalNot(a!)],
    () => [bools([1, 1, 0, 0]), bools([1, 0, 1, 0])],
  ],
  ['addN', (a, b) => tf.addN([a!, b!, a!]), () => [some(3), some(3)]],
  ['where', (a, b) => tf.where(tf.greater(a!, b!), a!, b!), () => [some(3, 2), some(3, 2)]],
  ['where that broadcasts', (a, b) => tf.where(tf.greater(a!, 0), b!, tf.scalar(0)), () => [some(3, 2), some(3, 2)]],
  ['prelu', (x, alpha) => tf.prelu(x!, alpha!), () => [some(3, 4), positive(4)]],
  [
    'activations',
    (x) => [
      tf.relu(x!),
      tf.relu6(x!),
      tf.elu(x!),
      tf.selu(x!),
      tf.leakyRelu(x!, 0.1),
      tf.sigmoid(x!),
      tf.logSigmoid(x!),
      tf.softplus(x!),
    ],
    matrix,
  ],
  [
    'step, sign, clip',
    (x) => [tf.step(x!), tf.step(x!, 0.3), tf.sign(x!), tf.clipByValue(x!, -0.5, 1), tf.isNaN(x!)],
    matrix,
  ],
  ['chained methods', (x) => x!.square().sum(-1, true).sqrt().neg().exp().add(1).log(), matrix],
  // Matrix products.
  ['matMul', (a, b) => tf.matMul(a!, b!), () => [some(3, 4), some(4, 2)]],
  ['matMul transposed', (a, b) => tf.matMul(a!, b!, true, true), () => [some(4, 3), some(2, 4)]],
  ['batches', (a, b) => tf.matMul(a!, b!), () => [some(2, 3, 4), some(2, 4, 2)]],
  ['a batch and one', (a, b) => tf.matMul(a!, b!, false, true), () => [some(2, 3, 4), some(5, 4)]],
  ['one and a batch', (a, b) => tf.matMul(a!, b!), () => [some(3, 4), some(2, 4, 5)]],
  [
    'dot and outer',
    (a, b) => [tf.dot(a!, b!), tf.outerProduct(a! as tf.Tensor1D, b! as tf.Tensor1D)],
    () => [some(4), some(4)],
  ],
  ...(['linear', 'relu', 'relu6', 'elu', 'sigmoid', 'leakyrelu', 'prelu'] as const).map(
    (activation): Case => [
      `fused product with ${activation}`,
      (a, b, bias, alpha) =>
        tf.fused.matMul({
          a: a!,
          b: b!,
          transposeB: true,
          bias: bias!,
          activation,
          preluActivationWeights: alpha!,
          leakyreluAlpha: 0.3,
        }),
      () => [some(3, 4), some(2, 4), some(2), positive(2)],
    ],
  ),
  [
    'fused product without bias',
    (a, b) => tf.fused.matMul({ a: a!, b: b!, activation: 'relu' }),
    () => [some(3, 4), some(4, 2)],
  ],
  ...layers.map(
    (layer): Case => [`dense layer with ${layer.getConfig()['activation']}`, (x) => layer.apply(x!) as Tensor, matrix],
  ),
  [
    'batchNorm, with and without scale and offset',
    (x, mean, variance, a, b) =>
      [[a, b], [a], [undefined, b], []].map(([offset, scale]) => tf.batchNorm(x!, mean!, variance!, offset, scale)),
    () => [some(2, 3, 4), some(4), positive(4), some(4), some(4)],
  ],
  // Losses.
  ['meanSquaredError', (a, b) => tf.losses.meanSquaredError(a!, b!), () => [some(3, 2), positive(3, 2)]],
  [
    'softmaxCrossEntropy',
    (a, b) => tf.losses.softmaxCrossEntropy(tf.softmax(a!), b!),
    () => [some(3, 2), positive(3, 2)],
  ],
  [
    'sigmoidCrossEntropy',
    (a, b) => tf.losses.sigmoidCrossEntropy(tf.sigmoid(a!), b!),
    () => [some(3, 2), positive(3, 2)],
  ],
  ['huberLoss', (a, b) => tf.losses.huberLoss(a!, b!), () => [some(3, 2), positive(3, 2)]],
  ['logLoss', (a, b) => tf.losses.logLoss(tf.sigmoid(a!), tf.sigmoid(b!)), () => [some(3, 2), positive(3, 2)]],
];

describe.each(['cpu', 'wasm'] as const)('on %s', (device) => {
  beforeAll(() => setBackend('cpu'));

  test.each(cases)('%s', async (_, fn, inputs) => {
    await setBackend('cpu');
    const given = inputs();
    const expected = list(fn(...given)).map((tensor) => ({
      shape: tensor.shape,
      dtype: tensor.dtype,
      values: tensor.dataSync(),
    }));
    const program = traceLike(fn, given);
    for (const equation of program.equations) {
      if (equation.type === 'kernel') expect(kernelSpec(equation.kernel)).toBeDefined();
    }
    await setBackend(device);
    const found = runOnce(program, given);
    expect(found.map(({ shape, dtype }) => ({ shape, dtype }))).toEqual(
      expected.map(({ shape, dtype }) => ({ shape, dtype })),
    );
    expect(found.map((tensor) => tensor.dataSync())).toBeAllClose(expected.map(({ values }) => values));
    for (const tensor of [...found, ...given]) tensor.dispose();
  });
});

test('matMul broadcasts batches by numpy, where tfjs itself returns a tensor of too few values', async () => {
  await setBackend('cpu');
  const [a, b] = [some(3, 1, 2, 2), some(2, 2, 2)];
  const [product] = runOnce(
    traceLike((x, y) => tf.matMul(x, y), [a, b]),
    [a, b],
  );
  expect(product!.shape).toEqual([3, 2, 2, 2]);
  const each = tf
    .unstack(a)
    .map((x) => tf.stack(tf.unstack(b).map((y) => tf.matMul(x.squeeze([0]) as tf.Tensor2D, y as tf.Tensor2D))));
  expect(product).toBeAllClose(tf.stack(each));
});

test('what tfjs itself gets wrong is right', async () => {
  await setBackend('cpu');
  const x = tf.range(0, 12).reshape([3, 4]);
  const traced = (fn: (x: Tensor) => Tensor): Tensor => runOnce(traceLike(fn, [x]), [x])[0]!;
  // tfjs answers with the shape [undefined, 3].
  expect(traced((x) => tf.cumsum(x, -1)).arraySync()).toEqual([[0, 1, 3, 6], [4, 9, 15, 22], [8, 17, 27, 38]]); // biome-ignore format: a matrix
  // tfjs answers with [1, 2].
  expect(traced((x) => tf.stridedSlice(x, [1, 0], [2, 4], [1, 2], 0, 0, 0, 0, 1)).arraySync()).toEqual([4, 6]);
  // tfjs throws.
  expect(traced((x) => tf.stridedSlice(x, [2, 0], [1, 4], [1, 1])).shape).toEqual([0, 4]);
  // tfjs takes the elements of one column for all.
  const [t, e] = [some(3, 2), positive(3, 2)];
  const condition = bools([1, 0, 1]);
  const [chosen] = runOnce(traceLike(rows, [condition, t, e]), [condition, t, e]);
  const pick = (row: number): number[] => (row === 1 ? e : t).slice([row, 0], [1, 2]).flatten().arraySync() as number[];
  expect(chosen).toBeAllClose([pick(0), pick(1), pick(2)]);
  // tfjs answers with int32 on cpu alone.
  const quotient = traced((x) => tf.floorDiv(x, tf.scalar(2.5)));
  expect([quotient.dtype, ...quotient.dataSync()]).toEqual(['float32', 0, 0, 0, 1, 1, 2, 2, 2, 3, 3, 4, 4]);
});

test('attributes are canonical and composite kernels are their parts', async () => {
  await setBackend('cpu');
  const print = (fn: (...inputs: Tensor[]) => Tensor | Tensor[], ...inputs: Tensor[]): string =>
    printProgram(traceLike(fn, inputs));
  expect(print((x) => tf.mean(x, -1, true), some(2, 3))).toMatchInlineSnapshot(`
    "program(v0: float32[2,3]) {
      v1: float32[2] = Sum[axis=[1]](v0)
      v2: float32[2,1] = Reshape[shape=[2,1]](v1)
      v3: float32[2,1] = RealDiv(v2, 3)
      return v3
    }"
  `);
  expect(print((x) => tf.logSumExp(x, [-1]), some(2, 3))).toMatchInlineSnapshot(`
    "program(v0: float32[2,3]) {
      v1: float32[2] = Max[axis=[1]](v0)
      v2: float32[2,1] = Reshape[shape=[2,1]](v1)
      v3: bool[2,1] = IsFinite(v2)
      v4: float32[2,1] = BroadcastTo[shape=[2,1]](0)
      v5: float32[2,1] = Select(v3, v2, v4)
      v6: float32[2,1] = StopGradient(v5)
      v7: float32[2,3] = Sub(v0, v6)
      v8: float32[2,3] = Exp(v7)
      v9: float32[2] = Sum[axis=[1]](v8)
      v10: float32[2] = Log(v9)
      v11: float32[2] = Reshape[shape=[2]](v6)
      v12: float32[2] = Add(v11, v10)
      return v12
    }"
  `);
  expect(print((x) => tf.tile(x, [2, 3]), some(1, 4))).toMatchInlineSnapshot(`
    "program(v0: float32[1,4]) {
      v1: float32[1,1,4] = Reshape[shape=[1,1,4]](v0)
      v2: float32[2,3,4] = BroadcastTo[shape=[2,3,4]](v1)
      v3: float32[2,12] = Reshape[shape=[2,12]](v2)
      return v3
    }"
  `);
  expect(print((x) => tf.oneHot(x, 3), ints([0, 1]))).toMatchInlineSnapshot(`
    "program(v0: int32[2]) {
      v1: int32[2,1] = Reshape[shape=[2,1]](v0)
      v2: bool[2,3] = Equal(v1, literal int32[3])
      v3: int32[2,3] = Cast[dtype="int32"](v2)
      return v3
    }"
  `);
  expect(print((x) => tf.stridedSlice(x, [1, 0], [2, 4], [1, 2], 0, 0, 0, 0, 1), some(3, 4))).toMatchInlineSnapshot(`
    "program(v0: float32[3,4]) {
      v1: float32[1,4] = Slice[begin=[1,0] size=[1,4]](v0)
      v2: float32[1,2] = GatherV2[axis=1](v1, literal int32[2])
      v3: float32[2] = Reshape[shape=[2]](v2)
      return v3
    }"
  `);
  expect(print(rows, bools([1, 0]), some(2, 3), some(2, 3))).toMatchInlineSnapshot(`
    "program(v0: bool[2], v1: float32[2,3], v2: float32[2,3]) {
      v3: bool[2,1] = Reshape[shape=[2,1]](v0)
      v4: bool[2,3] = BroadcastTo[shape=[2,3]](v3)
      v5: float32[2,3] = Select(v4, v1, v2)
      return v5
    }"
  `);
  expect(print((a, b) => tf.matMul(a, b), some(2, 3, 4), some(4, 5))).toMatchInlineSnapshot(`
    "program(v0: float32[2,3,4], v1: float32[4,5]) {
      v2: float32[2,4,5] = BroadcastTo[shape=[2,4,5]](v1)
      v3: float32[2,3,5] = BatchMatMul[transposeA=false transposeB=false](v0, v2)
      return v3
    }"
  `);
  expect(
    print((a, b, bias) => tf.fused.matMul({ a, b, bias, activation: 'relu' }), some(3, 4), some(4, 2), some(2)),
  ).toMatchInlineSnapshot(`
    "program(v0: float32[3,4], v1: float32[4,2], v2: float32[2]) {
      v3: float32[3,2] = BatchMatMul[transposeA=false transposeB=false](v0, v1)
      v4: float32[3,2] = Add(v3, v2)
      v5: float32[3,2] = Relu(v4)
      return v5
    }"
  `);
  expect(
    print((x) => [tf.clone(x), tf.transpose(x, [0, 1]), tf.slice(x, [0, 0]), tf.reshape(x, [2, 3])], some(2, 3)),
  ).toMatchInlineSnapshot(`
    "program(v0: float32[2,3]) {
      return v0, v0, v0, v0
    }"
  `);
});

test('what cannot be translated is an error that says so', () => {
  expect(() => traceLike((x) => tf.softmax(x, 0), [some(2, 3)])).toThrow(/last dimension/);
  expect(() => traceLike((x) => tf.slice(x, [0, 0], [3, 1]), [some(2, 3)])).toThrow();
});
