// Elementwise kernels for the devices.
import { add, shapes } from './device-cases.ts';

const unary: { readonly [kernel: string]: readonly [number, number] } = {
  Abs: [-3, 3],
  Acos: [-0.99, 0.99],
  Acosh: [1.1, 5],
  Asin: [-0.99, 0.99],
  Asinh: [-5, 5],
  Atan: [-5, 5],
  Atanh: [-0.95, 0.95],
  Ceil: [-3, 3],
  Cos: [-6, 6],
  Cosh: [-4, 4],
  Elu: [-4, 4],
  Erf: [-3, 3],
  Exp: [-5, 5],
  Expm1: [-5, 5],
  Floor: [-3, 3],
  Log: [0.01, 9],
  Log1p: [-0.9, 9],
  Neg: [-3, 3],
  Reciprocal: [0.1, 3],
  Relu: [-3, 3],
  Relu6: [-9, 9],
  Round: [-3, 3],
  Rsqrt: [0.1, 9],
  Selu: [-4, 4],
  Sigmoid: [-9, 9],
  Sign: [-3, 3],
  Sin: [-6, 6],
  Sinh: [-4, 4],
  Softplus: [-9, 9],
  Sqrt: [0, 9],
  Square: [-3, 3],
  Tan: [-1.4, 1.4],
  Tanh: [-4, 4],
  IsFinite: [-3, 3],
  IsInf: [-3, 3],
  IsNan: [-3, 3],
  Identity: [-3, 3],
  StopGradient: [-3, 3],
};
const { NaN: nan, POSITIVE_INFINITY: inf } = Number;
for (const [kernel, range] of Object.entries(unary)) for (const shape of shapes) add(kernel, [{ shape, range }]);
for (const shape of shapes) {
  add('LeakyRelu', [{ shape }], { alpha: 0.3 });
  add('Step', [{ shape }], { alpha: 0.25 });
  add('ClipByValue', [{ shape }], { clipValueMin: -1, clipValueMax: 0.5 });
  add('LogicalNot', [{ shape, dtype: 'bool' }]);
  for (const dtype of ['float32', 'int32', 'bool']) {
    add('Cast', [{ shape, range: [-3, 3] }], { dtype });
    add('Cast', [{ shape, dtype: 'int32', range: [-3, 3] }], { dtype });
    add('Cast', [{ shape, dtype: 'bool' }], { dtype });
  }
  for (const kernel of ['Abs', 'Neg', 'Sign', 'Square', 'Relu', 'Identity', 'StopGradient']) {
    add(kernel, [{ shape, dtype: 'int32', range: [-9, 9] }]);
  }
}
const special = { shape: [8], values: [nan, inf, -inf, 0, -0, 0.5, 1.5, -2.5] };
for (const kernel of 'Abs Ceil Exp Expm1 Floor IsFinite IsInf IsNan Log Log1p Neg Reciprocal Relu Round Sigmoid Sqrt Square Tanh'.split(
  ' ',
)) {
  add(kernel, [special]);
}
add('Step', [special], { alpha: 0 });
add('Cast', [{ shape: [5], values: [0, -0, 0.3, -2.7, 2.7] }], { dtype: 'bool' });

const broadcasts: readonly (readonly [a: readonly number[], b: readonly number[]])[] = [
  [[7], [7]],
  [[3, 5], [5]],
  [[5], [3, 5]],
  [
    [3, 1],
    [1, 5],
  ],
  [
    [2, 3, 5],
    [3, 1],
  ],
  [[], [3, 5]],
  [[3, 5], []],
  [[], []],
  [[1], [1, 1]],
  [[0], [1]],
  [
    [3, 0],
    [3, 1],
  ],
  [[3, 0], []],
];
for (const [a, b] of broadcasts) {
  for (const kernel of ['Add', 'Sub', 'Multiply', 'Maximum', 'Minimum', 'Atan2'])
    add(kernel, [{ shape: a }, { shape: b }]);
  for (const kernel of ['Add', 'Sub', 'Multiply', 'Maximum', 'Minimum']) {
    add(kernel, [
      { shape: a, dtype: 'int32', range: [-99, 99] },
      { shape: b, dtype: 'int32', range: [-99, 99] },
    ]);
  }
  for (const kernel of ['RealDiv', 'FloorDiv', 'Mod']) add(kernel, [{ shape: a }, { shape: b, range: [0.3, 2] }]);
  for (const kernel of ['FloorDiv', 'Mod']) {
    add(kernel, [{ shape: a }, { shape: b, range: [-2, -0.3] }]);
    for (const range of [
      [1, 7],
      [-7, -1],
    ] as const) {
      add(kernel, [
        { shape: a, dtype: 'int32', range: [-99, 99] },
        { shape: b, dtype: 'int32', range },
      ]);
    }
  }
  add('Pow', [{ shape: a, range: [0.1, 3] }, { shape: b }]);
  for (const kernel of ['Equal', 'NotEqual', 'Greater', 'GreaterEqual', 'Less', 'LessEqual']) {
    add(kernel, [
      { shape: a, range: [0, 1] },
      { shape: b, range: [0, 1] },
    ]);
    add(kernel, [
      { shape: a, dtype: 'int32', range: [0, 2] },
      { shape: b, dtype: 'int32', range: [0, 2] },
    ]);
  }
  for (const kernel of ['Equal', 'NotEqual', 'LogicalAnd', 'LogicalOr']) {
    add(kernel, [
      { shape: a, dtype: 'bool' },
      { shape: b, dtype: 'bool' },
    ]);
  }
}
