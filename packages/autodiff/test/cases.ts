// One function of tensors for each kernel with a rule, with inputs of several shapes: an odd size, one element, a broadcast
// and, where it is legal, no elements. Inputs stay away from kinks, which have tests of their own.
import { record } from '@posteriors/backend';
import * as tf from '@tensorflow/tfjs-core';
import { realFunctions } from '../../backend/src/kernels.ts';
import { stopGradient } from '../src/index.ts';
import { complexCases } from './cases-complex.ts';
import { convolutionCases } from './cases-convolution.ts';
import { imageCases } from './cases-image.ts';
import { poolingCases } from './cases-pooling.ts';
import { selectionCases } from './cases-selection.ts';
import { bool, type Case, type Draw, distinct, integer, near, real } from './draws.ts';

type Tensor = tf.Tensor;

export const cases: Case[] = [...convolutionCases, ...selectionCases, ...poolingCases, ...imageCases, ...complexCases];

type Shapes = readonly (readonly number[])[];

/** Adds a case for each of `variants`, the shapes of all inputs. */
function add(
  kernel: string,
  draws: readonly Draw[],
  f: (...inputs: Tensor[]) => Tensor,
  variants: readonly Shapes[],
  note = '',
): void {
  for (const shapes of variants) {
    const name = `${kernel}${note === '' ? '' : ` ${note}`} of ${shapes.map((shape) => `[${shape}]`).join(' and ')}`;
    cases.push({ name, kernel, f, draws, shapes });
  }
}

const one: readonly Shapes[] = [[[3]], [[]], [[2, 0]]];
const two: readonly Shapes[] = [
  [[2, 1], [3]],
  [[1], []],
  [
    [0, 3],
    [1, 3],
  ],
];

const float = (x: Tensor): Tensor => tf.cast(x, 'float32');

// Elementwise, of one input.

const unary: readonly [string, Draw, (x: Tensor) => Tensor][] = [
  ['Abs', real(-2, 2, 0), tf.abs],
  ['Acos', real(-0.7, 0.7), tf.acos],
  ['Acosh', real(1.5, 3), tf.acosh],
  ['Asin', real(-0.7, 0.7), tf.asin],
  ['Asinh', real(-2, 2), tf.asinh],
  ['Atan', real(-2, 2), tf.atan],
  ['Atanh', real(-0.7, 0.7), tf.atanh],
  ['Cos', real(-3, 3), tf.cos],
  ['Cosh', real(-2, 2), tf.cosh],
  ['Elu', real(-2, 2, 0), tf.elu],
  ['Erf', real(-2, 2), tf.erf],
  ['Exp', real(-2, 2), tf.exp],
  ['Expm1', real(-2, 2), tf.expm1],
  ['Identity', real(-2, 2), (x) => record('Identity', [x])],
  ['LeakyRelu', real(-2, 2, 0), (x) => tf.leakyRelu(x, 0.25)],
  ['Log', real(0.5, 3), tf.log],
  ['Log1p', real(-0.4, 2), tf.log1p],
  ['Neg', real(-2, 2), tf.neg],
  ['Reciprocal', real(0.5, 2), tf.reciprocal],
  ['Relu', real(-2, 2, 0), tf.relu],
  ['Relu6', real(-2, 8, 0, 6), tf.relu6],
  ['Rsqrt', real(0.5, 3), tf.rsqrt],
  ['Selu', real(-2, 2, 0), tf.selu],
  ['Sigmoid', real(-3, 3), tf.sigmoid],
  ['Sin', real(-3, 3), tf.sin],
  ['Sinh', real(-2, 2), tf.sinh],
  ['Softplus', real(-3, 3), tf.softplus],
  ['Sqrt', real(0.5, 3), tf.sqrt],
  ['Square', real(-2, 2), tf.square],
  ['Tan', real(-1, 1), tf.tan],
  ['Tanh', real(-2, 2), tf.tanh],
  ['ClipByValue', real(-2, 2, -1, 0.5), (x) => tf.clipByValue(x, -1, 0.5)],
  // Their derivative is zero; a factor x keeps the function from being flat.
  ['Ceil', real(-2, 2, -2, -1, 0, 1, 2), (x) => tf.mul(x, tf.ceil(x))],
  ['Floor', real(-2, 2, -2, -1, 0, 1, 2), (x) => tf.mul(x, tf.floor(x))],
  ['Round', real(-2, 2, -1.5, -0.5, 0.5, 1.5), (x) => tf.mul(x, tf.round(x))],
  ['Sign', real(-2, 2, 0), (x) => tf.mul(x, tf.sign(x))],
  ['Step', real(-2, 2, 0), (x) => tf.mul(x, tf.step(x, 0.5))],
  ['IsFinite', real(-2, 2), (x) => tf.mul(x, float(tf.isFinite(x)))],
  ['IsInf', real(-2, 2), (x) => tf.mul(x, tf.add(1, float(tf.isInf(x))))],
  ['IsNan', real(-2, 2), (x) => tf.mul(x, tf.add(1, float(tf.isNaN(x))))],
  ['LogicalNot', real(-2, 2, 0), (x) => tf.mul(x, tf.add(1, float(tf.logicalNot(tf.greater(x, 0)))))],
  ['Cast', real(-2, 2, -2, -1, 0, 1, 2), (x) => tf.mul(x, float(tf.cast(x, 'int32')))],
];
for (const [kernel, draw, f] of unary) add(kernel, [draw], f, one);
add('Cast', [real(-2, 2, 0)], (x) => tf.mul(x, float(tf.cast(x, 'bool'))), [[[3]]], 'to bool');

// Functions of real numbers, of integers and truth values among those from `low` to below `high`: -2 and 3 unless listed.
const domains: { readonly [kernel: string]: readonly [low: number, high: number] } = {
  Acos: [-1, 2],
  Acosh: [1, 4],
  Asin: [-1, 2],
  Atanh: [0, 1],
  Log: [1, 4],
  Log1p: [0, 4],
  Reciprocal: [1, 4],
  Rsqrt: [1, 4],
  Sqrt: [0, 4],
};
for (const kernel of realFunctions) {
  const [low, high] = domains[kernel] ?? [-2, 3];
  const f = (x: Tensor, whole: Tensor): Tensor =>
    tf.mul(x, tf.engine().runKernel(kernel, { x: whole }, kernel === 'LeakyRelu' ? { alpha: 0.25 } : {}) as Tensor);
  const truth: Draw = { ...integer(Math.max(low, 0), Math.min(high, 2)), dtype: 'bool' };
  add(kernel, [real(-2, 2), integer(low, high)], f, [[[5], [5]]], 'of integers');
  add(kernel, [real(-2, 2), truth], f, [[[5], [5]]], 'of truth values');
}

// Elementwise, of two inputs.

const equalFloors = (a: Tensor, b: Tensor): Tensor => tf.equal(tf.floor(a), tf.floor(b));
const awayFromIntegers = real(-2, 2, -2, -1, 0, 1, 2);
const fringe = [near(0), near(0.25)];
const binary: readonly [string, readonly Draw[], (a: Tensor, b: Tensor) => Tensor][] = [
  ['Add', [real(-2, 2), real(-2, 2)], tf.add],
  ['Sub', [real(-2, 2), real(-2, 2)], tf.sub],
  ['Multiply', [real(-2, 2), real(-2, 2)], tf.mul],
  ['RealDiv', [real(-2, 2), real(0.5, 2)], tf.div],
  ['Maximum', fringe, tf.maximum],
  ['Minimum', fringe, tf.minimum],
  ['Atan2', [real(-2, 2), real(0.5, 2)], tf.atan2],
  ['Pow', [real(0.5, 2), real(-2, 3)], tf.pow],
  ['Mod', [real(0.2, 0.8), real(1, 2)], (a, b) => tf.mod(tf.add(a, b), b)],
  ['FloorDiv', [real(0.2, 0.8), real(1, 2)], (a, b) => tf.mul(a, record('FloorDiv', [tf.sub(a, b), b]))],
  ['Equal', [awayFromIntegers, awayFromIntegers], (a, b) => tf.mul(a, tf.add(1, float(equalFloors(a, b))))],
  [
    'NotEqual',
    [awayFromIntegers, awayFromIntegers],
    (a, b) => tf.mul(a, tf.add(1, float(tf.notEqual(tf.floor(a), tf.floor(b))))),
  ],
  ['Greater', fringe, (a, b) => tf.mul(a, tf.add(1, float(tf.greater(a, b))))],
  ['GreaterEqual', fringe, (a, b) => tf.mul(b, tf.add(1, float(tf.greaterEqual(a, b))))],
  ['Less', fringe, (a, b) => tf.mul(a, tf.add(1, float(tf.less(a, b))))],
  ['LessEqual', fringe, (a, b) => tf.mul(b, tf.add(1, float(tf.lessEqual(a, b))))],
  [
    'LogicalAnd',
    [real(-2, 2, 0), real(-2, 2, 0)],
    (a, b) => tf.mul(a, tf.add(1, float(tf.logicalAnd(tf.greater(a, 0), tf.greater(b, 0))))),
  ],
  [
    'LogicalOr',
    [real(-2, 2, 0), real(-2, 2, 0)],
    (a, b) => tf.mul(a, tf.add(1, float(tf.logicalOr(tf.greater(a, 0), tf.greater(b, 0))))),
  ],
];
for (const [kernel, draws, f] of binary) add(kernel, draws, f, two);
add('Pow', [real(-2, 2, 0)], (a) => tf.pow(a, 3), one, 'of a negative base');
add('Mod', [real(-2.9, -2.6), real(1, 1.1)], tf.mod, [[[3], [3]]], 'of a negative number');
add('Multiply', [real(-2, 2)], (x) => tf.mul(x, x), one, 'by itself');
add('RealDiv', [real(0.5, 2)], (x) => tf.div(tf.sin(x), x), one, 'by itself');
add('Add', [real(-2, 2), integer(-3, 3)], (x, i) => tf.add(x, float(tf.add(i, 2))), [[[3], [2, 1]]], 'of integers');

const select = (condition: Tensor, a: Tensor, b: Tensor): Tensor => tf.where(condition, a, b);
add('Select', [bool, real(-2, 2), real(-2, 2)], select, [
  [[3], [3], [3]],
  [[], [], []],
  [
    [0, 2],
    [0, 2],
    [0, 2],
  ],
]);
add('Select', [bool, real(-2, 2), real(-2, 2)], select, [[[2, 3], [3], [2, 1]]], 'that broadcasts');
add('Barrier', [real(-2, 2)], (x) => record('Barrier', [x]), one);
add('StopGradient', [real(-2, 2)], (x) => tf.mul(x, tf.add(1, tf.sub(stopGradient(x), stopGradient(x)))), one);

// Movement.

add('Reshape', [real(-2, 2)], (x) => tf.reshape(x, [x.size]), [[[2, 3]], [[3, 1]], [[1, 1]], [[]], [[2, 0]]]);
add('BroadcastTo', [real(-2, 2)], (x) => tf.broadcastTo(x, [2, 3]), [[[2, 1]], [[3]], [[]], [[1]]]);
add('BroadcastTo', [real(-2, 2)], (x) => tf.tile(x, [3, 2]), [[[2, 1]], [[2, 3]], [[0, 2]]], 'in tile');
add('Transpose', [real(-2, 2)], (x) => tf.transpose(x), [[[2, 3]], [[3, 3]], [[1, 1]], [[0, 2]]]);
add('Transpose', [real(-2, 2)], (x) => tf.transpose(x, [2, 0, 1]), [[[2, 3, 4]]], 'of three axes');
add('Reverse', [real(-2, 2)], (x) => tf.reverse(x, -1), [[[2, 3]], [[3]], [[1]], [[2, 0]]]);
add('Reverse', [real(-2, 2)], (x) => tf.reverse(x), [[[2, 3]]], 'of both axes');
add('Slice', [real(-2, 2)], (x) => tf.slice(x, [1, 0], [-1, 2]), [[[3, 3]], [[2, 2]]]);
add('Slice', [real(-2, 2)], (x) => tf.slice(x, [2], [0]), [[[3]]], 'of nothing');
add('Slice', [real(-2, 2)], (x) => tf.slice(x, [1], [0]), [[[1]]], 'of nothing of one element');
add('Slice', [real(-2, 2)], (x) => tf.slice(x, [0, 1], [-1, 2]), [[[0, 3]]], 'of no rows');
add(
  'PadV2',
  [real(-2, 2)],
  (x) =>
    tf.pad(
      x,
      [
        [1, 2],
        [0, 1],
      ],
      0.5,
    ),
  [[[2, 3]], [[1, 1]], [[0, 2]]],
);
add('Concat', [real(-2, 2), real(-2, 2)], (a, b) => tf.concat([a, b, a], 1), [
  [
    [2, 3],
    [2, 1],
  ],
  [
    [1, 1],
    [1, 0],
  ],
]);
add(
  'Concat',
  [real(-2, 2), real(-2, 2)],
  (a, b) => tf.stack([a, b], -1),
  [
    [[3], [3]],
    [[], []],
  ],
  'in stack',
);

// Reductions.

for (const [kernel, draw, f] of [
  ['Sum', real(-2, 2), tf.sum],
  ['Prod', real(-2, 2), tf.prod],
  ['Max', distinct, tf.max],
  ['Min', distinct, tf.min],
] as const) {
  add(kernel, [draw], (x) => f(x), [[[5]], [[1]], [[2, 3]]], 'of all');
  add(kernel, [draw], (x) => f(x, [0, 2]), [[[2, 3, 2]]], 'over two axes');
  add(kernel, [draw], (x) => f(x, 1, true), [[[2, 3]], [[0, 2]]], 'with kept axes');
}
add('Sum', [real(-2, 2)], (x) => tf.sum(x, 0), [[[0, 2]]], 'of nothing');
add('Prod', [real(-2, 2)], (x) => tf.prod(x, 0), [[[0, 2]]], 'of nothing');
add('Sum', [real(-2, 2)], (x) => tf.mean(x, -1), [[[2, 3]], [[1]]], 'in mean');
add('Sum', [real(-2, 2)], (x) => tf.logSumExp(x, -1), [[[2, 3]], [[1]]], 'in logSumExp');
add(
  'Sum',
  [real(-2, 2), integer(-2, 3)],
  (x, whole) => tf.mul(tf.sum(x), tf.logSumExp(whole)),
  [[[3], [5]]],
  'in logSumExp of integers',
);
add('Sum', [real(-2, 2)], (x) => tf.logSoftmax(x), [[[2, 3]], [[1]]], 'in logSoftmax');
add('All', [real(-2, 2, 0)], (x) => tf.mul(x, tf.add(1, float(tf.all(tf.less(x, 1.5), -1, true)))), [
  [[4, 3]],
  [[3]],
  [[1]],
  [[0, 3]],
]);
add('Any', [real(-2, 2, 0)], (x) => tf.mul(x, tf.add(1, float(tf.any(tf.less(x, -1), -1, true)))), [
  [[4, 3]],
  [[3]],
  [[1]],
  [[0, 3]],
]);
add('ArgMax', [distinct], (x) => tf.mul(tf.sum(x, 1), float(tf.argMax(x, 1))), [
  [[3, 4]],
  [[3, 3]],
  [[1, 1]],
  [[0, 3]],
]);
add('ArgMin', [distinct], (x) => tf.mul(tf.sum(x, 0), float(tf.argMin(x, 0))), [
  [[3, 4]],
  [[3, 3]],
  [[1, 1]],
  [[3, 0]],
]);
for (const exclusive of [false, true]) {
  for (const reverse of [false, true]) {
    const note = `${exclusive ? 'exclusive ' : ''}${reverse ? 'reversed' : ''}`.trim();
    add('Cumsum', [real(-2, 2)], (x) => tf.cumsum(x, 0, exclusive, reverse), [[[3, 2]], [[1]], [[2, 0]]], note);
    add('Cumprod', [real(-2, 2)], (x) => tf.cumprod(x, 0, exclusive, reverse), [[[3, 2]], [[1]], [[2, 0]]], note);
  }
}
add('Cumprod', [real(-2, 2)], (x) => tf.cumprod(x, 1), [[[2, 3]], [[3, 3]]], 'along the last axis');
add('Cumsum', [real(-2, 2)], (x) => tf.cumsum(x, 1), [[[3, 3]]], 'along the last axis');
add('Softmax', [real(-2, 2)], (x) => tf.softmax(x), [[[2, 3]], [[3]], [[1]], [[0, 3]]]);

// Products.

for (const transposeA of [false, true]) {
  for (const transposeB of [false, true]) {
    const note = `${transposeA ? 'A^T' : 'A'} ${transposeB ? 'B^T' : 'B'}`;
    const shape = (batch: readonly number[], rows: number, columns: number, transposed: boolean): readonly number[] =>
      transposed ? [...batch, columns, rows] : [...batch, rows, columns];
    const sized = (batch: readonly number[], n: number, m: number, k: number): Shapes => [
      shape(batch, n, m, transposeA),
      shape(batch, m, k, transposeB),
    ];
    const draws = [real(-2, 2), real(-2, 2)];
    const product = (a: Tensor, b: Tensor): Tensor => tf.matMul(a, b, transposeA, transposeB);
    add(
      'BatchMatMul',
      draws,
      product,
      [sized([], 2, 3, 4), sized([], 1, 1, 1), sized([], 0, 2, 3), sized([], 2, 0, 3)],
      note,
    );
    add('BatchMatMul', draws, product, [sized([2], 2, 3, 1)], `${note} in a batch`);
  }
}
add(
  'BatchMatMul',
  [real(-2, 2), real(-2, 2)],
  (a, b) => tf.matMul(a, b),
  [
    [
      [2, 1, 2, 3],
      [2, 3, 2],
    ],
    [
      [2, 2, 3],
      [3, 2],
    ],
  ],
  'that broadcasts',
);
add('BatchMatMul', [real(-1, 1)], (a) => tf.matMul(a, a), [[[3, 3]]], 'by itself');

// Indexing.

add('GatherV2', [real(-2, 2), integer(0, 3)], (x, i) => tf.gather(x, i as tf.Tensor1D), [
  [[3], [5]],
  [[3, 2], []],
  [
    [3, 2],
    [2, 2],
  ],
  [[3], [0]],
]);
add(
  'GatherV2',
  [real(-2, 2), integer(0, 3)],
  (x, i) => tf.gather(x, i as tf.Tensor1D, 1),
  [
    [[2, 3, 2], [4]],
    [[2, 3], []],
  ],
  'along axis 1',
);
add('GatherV2', [real(-2, 2), integer(0, 1)], (x, i) => tf.gather(x, i as tf.Tensor1D), [[[1], [1]]], 'of one element');
add('GatherV2', [real(-2, 2)], (x) => tf.stridedSlice(x, [0], [5], [2]), [[[5]]], 'in stridedSlice');
add('GatherNd', [real(-2, 2), integer(0, 2)], (x, i) => tf.gatherND(x, i), [
  [
    [2, 3],
    [4, 1],
  ],
  [
    [2, 3],
    [4, 2],
  ],
  [[2], [1]],
  [[3], [3, 1]],
  [
    [2, 3],
    [0, 1],
  ],
]);
add('GatherNd', [real(-2, 2), integer(0, 1)], (x, i) => tf.gatherND(x, i), [[[1], [1, 1]]], 'of one element');
add('ScatterNd', [integer(0, 2), real(-2, 2)], (i, updates) => tf.scatterND(i, updates, [2, 3]), [
  [
    [4, 1],
    [4, 3],
  ],
  [[4, 2], [4]],
  [[1, 2], [1]],
  [
    [0, 1],
    [0, 3],
  ],
]);
