// Every kernel of a program on the devices of the host, against float64.
import '@posteriors/backend/cpu';
import '@posteriors/backend/wasm';
import {
  type Attributes,
  type Aval,
  currentBackend,
  type DataType,
  type HostValues,
  hostValues,
  kernelNames,
  kernelSpec,
  newValue,
  type Program,
  setBackend,
  sizeOf,
} from '@posteriors/backend';
import { beforeAll, describe, expect, test } from 'vitest';
import { interpret } from '../src/index.ts';
import { convolutionCases } from './devices-convolution.ts';

interface Case {
  readonly kernel: string;
  readonly avals: readonly Aval[];
  readonly attributes: Attributes;
  readonly values: readonly HostValues[];
}

const shapes = [[7], [3, 5], [2, 3, 5], [1], [], [0], [3, 0]];
const cases: Case[] = [];

/** Elements of a fixed pseudorandom sequence between `min` and `max`. */
function fill({ shape, dtype }: Aval, min: number, max: number, seed: number): HostValues {
  const values = hostValues(dtype, sizeOf(shape));
  let word = (seed * 7919 + 12345) >>> 0;
  return values.map(() => {
    word = (Math.imul(word, 1664525) + 1013904223) >>> 0;
    const unit = word / 2 ** 32;
    return dtype === 'float32' ? min + unit * (max - min) : Math.floor(min + unit * (max + 1 - min));
  }) as HostValues;
}

interface Operand {
  readonly shape: readonly number[];
  readonly dtype?: DataType;
  readonly range?: readonly [number, number];
  readonly values?: readonly number[];
}

function add(kernel: string, operands: readonly Operand[], attributes: Attributes = {}): void {
  const avals = operands.map(({ shape, dtype = 'float32' }) => ({ shape, dtype }));
  const values = operands.map(({ range, values: given }, i) => {
    const aval = avals[i]!;
    if (given !== undefined) return hostValues(aval.dtype, given.length).map((_, j) => given[j]!) as HostValues;
    const [min, max] = range ?? (aval.dtype === 'bool' ? [0, 1] : [-3, 3]);
    return fill(aval, min, max, cases.length + i);
  });
  cases.push({ kernel, avals, attributes, values });
}

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
for (const dtype of ['float32', 'int32', 'bool'] as const) {
  for (const shape of shapes) {
    add('Select', [
      { shape, dtype: 'bool' },
      { shape, dtype },
      { shape, dtype },
    ]);
    const reversed = [...shape.keys()].reverse();
    add('Transpose', [{ shape, dtype }], { perm: reversed });
    add('Reshape', [{ shape, dtype }], { shape: [sizeOf(shape), 1] });
    for (const axes of new Set([[0], reversed.slice().sort(), []])) {
      if (axes.every((axis) => axis < shape.length)) add('Reverse', [{ shape, dtype }], { dims: axes });
    }
    add('Slice', [{ shape, dtype }], {
      begin: shape.map((n) => Math.min(1, Math.max(n - 1, 0))),
      size: shape.map((n) => Math.max(n - 1, Math.min(n, 1))),
    });
    if (shape.length > 0) add('Slice', [{ shape, dtype }], { begin: shape.map(() => 0), size: shape.map(() => 0) });
    add('PadV2', [{ shape, dtype }], { paddings: shape.map((_, i) => [i, 2]), constantValue: 1 });
  }
  add('Transpose', [{ shape: [2, 3, 4, 5], dtype }], { perm: [2, 0, 3, 1] });
  const targets = [
    [[], [3, 5]],
    [[5], [3, 5]],
    [
      [3, 1],
      [3, 5],
    ],
    [
      [2, 1, 3],
      [4, 2, 5, 3],
    ],
    [[1], [1]],
    [
      [3, 5],
      [3, 5],
    ],
    [[1], [0]],
    [[], [0, 3]],
    [
      [3, 0],
      [2, 3, 0],
    ],
  ];
  for (const [from, to] of targets) add('BroadcastTo', [{ shape: from!, dtype }], { shape: to! });
  add(
    'Concat',
    [
      { shape: [3, 2], dtype },
      { shape: [3, 1], dtype },
      { shape: [3, 4], dtype },
    ],
    { axis: 1 },
  );
  add(
    'Concat',
    [
      { shape: [2, 3], dtype },
      { shape: [1, 3], dtype },
    ],
    { axis: 0 },
  );
  add(
    'Concat',
    [
      { shape: [3, 0], dtype },
      { shape: [3, 2], dtype },
    ],
    { axis: 1 },
  );
  add(
    'Concat',
    [
      { shape: [0, 3], dtype },
      { shape: [0, 3], dtype },
    ],
    { axis: 0 },
  );
  const index = (shape: readonly number[], max: number): Operand => ({ shape, dtype: 'int32', range: [0, max] });
  add('GatherV2', [{ shape: [4, 3], dtype }, index([5], 3)], { axis: 0 });
  add('GatherV2', [{ shape: [4, 3], dtype }, index([2, 5], 2)], { axis: 1 });
  add('GatherV2', [{ shape: [2, 4, 3], dtype }, index([], 3)], { axis: 1 });
  add('GatherV2', [{ shape: [4, 3], dtype }, index([0], 3)], { axis: 0 });
  add('GatherV2', [{ shape: [4, 0], dtype }, index([2], 3)], { axis: 0 });
  add('GatherNd', [{ shape: [4, 3], dtype }, index([5, 1], 3)]);
  add('GatherNd', [{ shape: [4, 3], dtype }, index([2, 5, 2], 2)]);
  add('GatherNd', [{ shape: [4, 3], dtype }, index([0, 2], 2)]);
}
for (const dtype of ['float32', 'int32'] as const) {
  const index = (shape: readonly number[], max: number): Operand => ({ shape, dtype: 'int32', range: [0, max] });
  add('ScatterNd', [index([6, 1], 3), { shape: [6, 3], dtype }], { shape: [4, 3] });
  add('ScatterNd', [index([2, 5, 2], 2), { shape: [2, 5], dtype }], { shape: [4, 3] });
  add('ScatterNd', [index([1, 1], 0), { shape: [1], dtype }], { shape: [1] });
  add('ScatterNd', [index([0, 1], 0), { shape: [0, 3], dtype }], { shape: [4, 3] });
}

for (const dtype of ['float32', 'int32'] as const) {
  const range: [number, number] = dtype === 'int32' ? [-4, 4] : [-3, 3];
  for (const [shape, k] of [
    [[7], 3],
    [[7], 7],
    [[3, 5], 4],
    [[2, 3, 5], 1],
    [[1], 1],
    [[4, 1], 1],
    [[3, 5], 0],
    [[0, 3], 2],
    [[2, 700], 600],
  ] as const) {
    add('TopKIndices', [{ shape, dtype, range }], { k });
  }
  add('TopKIndices', [{ shape: [6], dtype, values: [1, 3, 0, 3, 0, 3] }], { k: 5 });
  for (const side of ['left', 'right']) {
    const row = [-2, -2, 0, 1, 1, 2];
    add(
      'SearchSorted',
      [
        { shape: [1, 6], dtype, values: row },
        { shape: [1, 7], dtype, range },
      ],
      { side },
    );
    add(
      'SearchSorted',
      [
        { shape: [2, 6], dtype, values: [...row, ...row.map((x) => x + 1)] },
        { shape: [2, 5], dtype, range },
      ],
      { side },
    );
    add(
      'SearchSorted',
      [
        { shape: [1, 1], dtype, values: [0] },
        { shape: [1, 1], dtype, values: [0] },
      ],
      { side },
    );
    add(
      'SearchSorted',
      [
        { shape: [2, 0], dtype },
        { shape: [2, 3], dtype },
      ],
      { side },
    );
    add(
      'SearchSorted',
      [
        { shape: [2, 3], dtype, values: [0, 1, 2, 0, 1, 2] },
        { shape: [2, 0], dtype },
      ],
      { side },
    );
  }
  add('BitwiseAnd', [
    { shape: [3, 5], dtype: 'int32', range: [-99, 99] },
    { shape: [3, 5], dtype: 'int32', range: [-99, 99] },
  ]);
}
for (const dtype of ['float32', 'int32', 'bool'] as const) {
  const index = (shape: readonly number[], max: number): Operand => ({ shape, dtype: 'int32', range: [0, max] });
  const replace = (shape: readonly number[], indices: Operand, updates: readonly number[]): void =>
    add('TensorScatterUpdate', [{ shape, dtype }, indices, { shape: updates, dtype }]);
  replace([4, 3], index([2, 1], 3), [2, 3]);
  replace([4, 3], index([9, 2], 2), [9]);
  replace([1], index([1, 1], 0), [1]);
  replace([4, 3], index([0, 1], 0), [0, 3]);
}

const reduced: readonly (readonly [shape: readonly number[], axis: readonly number[]])[] = [
  [[7], [0]],
  [[3, 5], [0]],
  [[3, 5], [1]],
  [
    [3, 5],
    [0, 1],
  ],
  [
    [2, 3, 5],
    [0, 2],
  ],
  [[2, 3, 5], [1]],
  [[1], [0]],
  [[3, 1], [1]],
  [[0], [0]],
  [[3, 0], [1]],
  [[3, 0], [0]],
  [[0, 3], [0]],
  [
    [2, 0, 3],
    [1, 2],
  ],
];
for (const [shape, axis] of reduced) {
  for (const kernel of ['Sum', 'Prod', 'Max', 'Min']) {
    add(kernel, [{ shape, range: [-2, 2] }], { axis });
    const over = axis.reduce((size, i) => size * shape[i]!, 1);
    // The maximum of no int32 has no value.
    if (over > 0 || kernel === 'Sum' || kernel === 'Prod')
      add(kernel, [{ shape, dtype: 'int32', range: [-4, 4] }], { axis });
  }
  for (const kernel of ['All', 'Any']) add(kernel, [{ shape, dtype: 'bool' }], { axis });
}
add('Sum', [{ shape: [700], range: [0, 1] }], { axis: [0] });
for (const dtype of ['float32', 'int32'] as const) {
  for (const kernel of ['ArgMax', 'ArgMin']) {
    add(kernel, [{ shape: [7], dtype }], { axis: 0 });
    add(kernel, [{ shape: [3, 5], dtype }], { axis: 0 });
    add(kernel, [{ shape: [3, 5], dtype }], { axis: 1 });
    add(kernel, [{ shape: [2, 3, 5], dtype }], { axis: 1 });
    add(kernel, [{ shape: [0, 3], dtype }], { axis: 1 });
    add(kernel, [{ shape: [6], dtype, values: [1, 3, 0, 3, 0, 2] }], { axis: 0 });
  }
  for (const kernel of ['Cumsum', 'Cumprod']) {
    for (const exclusive of [false, true]) {
      for (const reverse of [false, true]) {
        for (const [shape, axis] of [
          [[7], 0],
          [[3, 5], 0],
          [[3, 5], 1],
          [[2, 3, 5], 1],
          [[1], 0],
          [[0], 0],
          [[3, 0], 0],
        ] as const) {
          add(kernel, [{ shape, dtype }], { axis, exclusive, reverse });
        }
      }
    }
  }
}
for (const shape of [[7], [3, 5], [2, 3, 5], [1], [3, 1], [0, 3], [3, 0]]) add('Softmax', [{ shape }]);
add('Softmax', [{ shape: [2, 3], values: [1000, 999, -1000, -inf, 0, 0] }]);
for (const [shape, filterSize, strides, padding] of [
  [
    [2, 5, 4, 3],
    [2, 2],
    [2, 2],
    [
      [0, 0],
      [0, 0],
    ],
  ],
  [
    [1, 5, 4, 3],
    [3, 2],
    [1, 2],
    [
      [1, 1],
      [0, 1],
    ],
  ],
  [
    [1, 3, 3, 1],
    [2, 3],
    [1, 1],
    [
      [1, 0],
      [2, 2],
    ],
  ],
  [
    [3, 2, 7, 2],
    [1, 3],
    [1, 2],
    [
      [0, 0],
      [1, 1],
    ],
  ],
  [
    [1, 2, 2, 1],
    [2, 2],
    [1, 1],
    [
      [0, 0],
      [0, 0],
    ],
  ],
  [
    [0, 3, 3, 2],
    [2, 2],
    [1, 1],
    [
      [0, 0],
      [0, 0],
    ],
  ],
] as const) {
  const pool = { filterSize, strides, padding };
  // Maxima that are all negative, too.
  for (const range of [
    [-3, 3],
    [-3, -1],
  ] as const) {
    add('MaxPool', [{ shape, range }], pool);
    add('MaxPoolArgmax', [{ shape, range }], pool);
  }
  add('AvgPool', [{ shape }], pool);
  const pooled = kernelSpec('AvgPool')!.shape([{ shape, dtype: 'float32' }], pool).shape;
  add('AvgPoolTranspose', [{ shape: pooled }], { ...pool, size: shape.slice(1, 3) });
}
for (const [shape, count] of [
  [[3, 2, 4], [5]],
  [
    [1, 1],
    [2, 3],
  ],
  [[2, 7], []],
  [[0, 3], [2]],
] as const) {
  const places: Operand = {
    shape: [shape[0], ...count],
    dtype: 'int32',
    range: [0, sizeOf(shape.slice(1)) - 1],
  };
  add('GatherEach', [{ shape }, places]);
  add('ScatterEach', [{ shape: places.shape }, places], { shape: shape.slice(1) });
}
add('MaxPoolArgmax', [{ shape: [1, 3, 3, 1], values: [0, 2, 2, 2, 2, 1, 1, 1, 1] }], {
  filterSize: [2, 2],
  strides: [1, 1],
  padding: [
    [1, 0],
    [0, 1],
  ],
});
for (const shape of [
  [2, 1],
  [2, 8],
  [3, 2, 2],
  [2, 3, 2, 15],
  [2, 97],
  [4, 2, 128],
  [2, 331],
  [2, 0],
  [0, 2, 3],
]) {
  for (const sign of [-1, 1]) add('FourierTransform', [{ shape }], { sign });
}
const products: readonly (readonly [batch: readonly number[], n: number, m: number, k: number])[] = [
  [[], 3, 5, 4],
  [[], 1, 1, 1],
  [[], 1, 7, 1],
  [[], 5, 1, 3],
  [[], 60, 100, 70],
  [[3], 2, 5, 4],
  [[2, 3], 4, 3, 2],
  [[3], 7, 60, 9],
  [[], 0, 3, 2],
  [[], 3, 0, 2],
  [[0], 3, 4, 2],
  [[2], 3, 0, 2],
];
for (const [batch, n, m, k] of products) {
  for (const transposeA of [false, true]) {
    for (const transposeB of [false, true]) {
      add(
        'BatchMatMul',
        [
          { shape: [...batch, ...(transposeA ? [m, n] : [n, m])] },
          { shape: [...batch, ...(transposeB ? [k, m] : [m, k])] },
        ],
        { transposeA, transposeB },
      );
    }
  }
}

for (const [kernel, shapes, attributes] of convolutionCases)
  add(
    kernel,
    shapes.map((shape) => ({ shape })),
    attributes,
  );

test('there is a case of every kernel', () => {
  expect([...new Set(cases.map(({ kernel }) => kernel))].sort()).toEqual(kernelNames());
});

describe.each(['cpu', 'wasm'] as const)('on %s', (device) => {
  beforeAll(() => setBackend(device));

  test.each([...new Set(cases.map(({ kernel }) => kernel))])('%s', (kernel) => {
    const failures: string[] = [];
    for (const { avals, attributes, values } of cases.filter((each) => each.kernel === kernel)) {
      const inputs = avals.map(newValue);
      const output = newValue(kernelSpec(kernel)!.shape(inputs, attributes));
      const equation = { type: 'kernel' as const, kernel, inputs, attributes, outputs: [output] };
      const program: Program<never> = { inputs, constants: [], equations: [equation], outputs: [output] };
      const [expected] = interpret(
        program,
        values.map((each, i) => ({ shape: avals[i]!.shape, values: Float64Array.from(each) })),
      );
      const name = `${avals.map(({ shape, dtype }) => `${dtype}[${shape}]`)} ${JSON.stringify(attributes)}`;
      const executable = currentBackend().compile(program);
      try {
        const [result] = executable.run(values);
        const found = Array.from(result!.dataSync());
        const magnitude = expected!.values.reduce(
          (most, x) => (Number.isFinite(x) ? Math.max(most, Math.abs(x)) : most),
          0,
        );
        const tolerance = output.dtype === 'float32' ? 1e-5 * magnitude : 0;
        const equal =
          result!.dtype === output.dtype &&
          String(result!.shape) === String(output.shape) &&
          found.length === expected!.values.length &&
          found.every(
            (x, i) =>
              Object.is(x, expected!.values[i]!) ||
              x === expected!.values[i] ||
              Math.abs(x - expected!.values[i]!) <= tolerance,
          );
        if (!equal)
          failures.push(
            `${name}: ${result!.dtype}[${result!.shape}] ${found} instead of ${output.dtype} ${expected!.values}`,
          );
        result!.dispose();
      } catch (error) {
        failures.push(`${name}: ${error}`);
      }
      executable.dispose();
    }
    expect(failures).toEqual([]);
  });
});
