// Complex tensors in traced functions, of which programs hold real and imaginary parts.
import '@tensorflow/tfjs';
import '../src/cpu.ts';
import '../src/wasm.ts';
import { expectNoLeak } from '@posteriors/testing';
import * as tf from '@tensorflow/tfjs-core';
import { beforeEach, describe, expect, test } from 'vitest';
import { printProgram, setBackend, theEngine } from '../src/index.ts';
import { bool, float, int, runOnce, traceOf } from './traced.ts';

type Tensor = tf.Tensor;

const parts = (z: Tensor): Tensor[] => [tf.real(z), tf.imag(z)];

beforeEach(() => setBackend('cpu'));

test('programs hold real numbers alone', () => {
  const program = traceOf((a, b) => tf.real(tf.mul(tf.complex(a, b), tf.complex(b, a))), [float(2), float(2)]);
  expect(printProgram(program)).toBe(
    [
      'program(v0: float32[2], v1: float32[2]) {',
      '  v2: float32[2] = Multiply(v0, v1)',
      '  v3: float32[2] = Multiply(v1, v0)',
      '  v4: float32[2] = Sub(v2, v3)',
      '  v5: float32[2] = Multiply(v0, v0)',
      '  v6: float32[2] = Multiply(v1, v1)',
      '  v7: float32[2] = Add(v5, v6)',
      '  return v4',
      '}',
    ].join('\n'),
  );
});

describe('as tfjs', () => {
  const a = [0.5, -1, 2, 3, -0.25, 1];
  const b = [2, 1, -1, 0.5, 4, -3];
  test.each<[string, (z: Tensor, w: Tensor) => Tensor]>([
    ['add', (z, w) => tf.add(z, w)],
    ['add of a real tensor', (z) => tf.add(z, tf.ones([2, 3]))],
    ['sub', (z, w) => tf.sub(z, w)],
    ['mul', (z, w) => tf.mul(z, w)],
    ['concat', (z, w) => tf.concat([z, w], 1)],
    ['stack', (z, w) => tf.stack([z, w], 1)],
    ['expandDims and squeeze', (z) => tf.squeeze(tf.expandDims(z, 1))],
    ['reshape', (z) => tf.reshape(z, [3, -1])],
    ['transpose', (z) => tf.transpose(z)],
    ['clone', (z) => tf.clone(z)],
    ['zerosLike', (z) => tf.zerosLike(z)],
    ['onesLike', (z) => tf.onesLike(z)],
    ['zeros', (z) => tf.add(z, tf.zeros([2, 3], 'complex64'))],
    ['ones', (z) => tf.add(z, tf.ones([2, 3], 'complex64'))],
    ['abs', (z) => tf.complex(tf.abs(z), tf.cast(z, 'float32'))],
    ['cast to int32 and bool', (z) => tf.complex(tf.cast(z, 'int32'), tf.cast(z, 'bool'))],
    ['parts of integers', (z) => tf.complex(tf.cast(tf.real(z), 'int32'), tf.imag(z))],
    ['chained methods', (z, w) => z.mul(w).add(z).reshape([6])],
  ])('%s', (_, f) => {
    const [re, im] = [tf.tensor2d(a, [2, 3]), tf.tensor2d(b, [2, 3])];
    const both = (x: Tensor, y: Tensor): Tensor[] => parts(f(tf.complex(x, y), tf.complex(y, x)));
    const traced = traceOf((x, y) => both(x!, y!), [float(2, 3), float(2, 3)]);
    const expected = both(re, im);
    const results = runOnce(traced, [re, im]);
    expect(results.map(({ shape }) => shape)).toEqual(expected.map(({ shape }) => shape));
    expect(results).toBeAllClose(expected);
  });
});

describe('beyond tfjs', () => {
  test.each<[string, (z: Tensor, condition: Tensor) => Tensor, number[][]]>([
    [
      'div',
      (z) => tf.div(z, tf.complex([3, 0, 1], [4, 2, 0])),
      [
        [0.44, 2.5, 3],
        [0.08, -1, -6],
      ],
    ],
    [
      'neg',
      (z) => tf.neg(z),
      [
        [-1, -2, -3],
        [-2, -5, 6],
      ],
    ],
    ['sum', (z) => tf.sum(z), [[6], [1]]],
    ['mean', (z) => tf.mean(z), [[2], [1 / 3]]],
    [
      'square',
      (z) => tf.square(z),
      [
        [-3, -21, -27],
        [4, 20, -36],
      ],
    ],
    ['matMul', (z) => tf.matMul(tf.reshape(z, [1, 3]), tf.reshape(z, [1, 3]), false, true), [[-51], [-12]]],
    ['matMul with a real matrix', (z) => tf.matMul(tf.reshape(z, [1, 3]), tf.ones([3, 1])), [[6], [1]]],
    [
      'addN',
      (z) => tf.addN([z, z, z]),
      [
        [3, 6, 9],
        [6, 15, -18],
      ],
    ],
    [
      'slice',
      (z) => tf.slice(z, 1),
      [
        [2, 3],
        [5, -6],
      ],
    ],
    [
      'split',
      (z) => tf.split(z, [1, 2])[1]!,
      [
        [2, 3],
        [5, -6],
      ],
    ],
    [
      'unstack',
      (z) => tf.stack(tf.unstack(z).reverse()),
      [
        [3, 2, 1],
        [-6, 5, 2],
      ],
    ],
    [
      'stridedSlice',
      (z) => tf.stridedSlice(z, [0], [3], [2]),
      [
        [1, 3],
        [2, -6],
      ],
    ],
    [
      'gather',
      (z) => tf.gather(z, [2, 2]),
      [
        [3, 3],
        [-6, -6],
      ],
    ],
    [
      'reverse',
      (z) => tf.reverse(z),
      [
        [3, 2, 1],
        [-6, 5, 2],
      ],
    ],
    [
      'tile',
      (z) => tf.tile(z, [2]),
      [
        [1, 2, 3, 1, 2, 3],
        [2, 5, -6, 2, 5, -6],
      ],
    ],
    [
      'broadcastTo',
      (z) => tf.broadcastTo(z, [2, 3]),
      [
        [1, 2, 3, 1, 2, 3],
        [2, 5, -6, 2, 5, -6],
      ],
    ],
    [
      'pad',
      (z) => tf.pad(z, [[1, 0]], 9),
      [
        [9, 1, 2, 3],
        [0, 2, 5, -6],
      ],
    ],
    [
      'where',
      (z, condition) => tf.where(condition, z, tf.ones([3])),
      [
        [1, 1, 3],
        [2, 0, -6],
      ],
    ],
    [
      'fill',
      (z) => tf.add(z, tf.fill([3], 2, 'complex64' as 'float32')),
      [
        [3, 4, 5],
        [2, 5, -6],
      ],
    ],
    [
      'a number',
      (z) => tf.mul(z, 2),
      [
        [2, 4, 6],
        [4, 10, -12],
      ],
    ],
  ])('%s', (_, f, expected) => {
    const program = traceOf(
      (re, im, condition) => parts(f(tf.complex(re, im), condition!)),
      [float(3), float(3), bool(3)],
    );
    const condition = tf.tensor1d([true, false, true]);
    const results = runOnce(program, [tf.tensor1d([1, 2, 3]), tf.tensor1d([2, 5, -6]), condition]);
    for (const [i, result] of results.entries()) expect(result.dataSync()).toBeAllClose(expected[i]);
  });
});

test.each(['cpu', 'wasm'] as const)('numbers whose squares float32 does not hold, on %s', async (device) => {
  await setBackend(device);
  const [re, im] = [tf.tensor1d([3e30, -3e-30, 0, Infinity, Number.NaN]), tf.tensor1d([4e30, 4e-30, 0, 1, 1])];
  const program = traceOf((x, y) => {
    const z = tf.complex(x!, y!);
    return [tf.abs(z), ...parts(tf.div(z, tf.complex(y!, x!)))];
  }, [float(5), float(5)]); // biome-ignore format: few lines
  const results = runOnce(program, [re, im]);
  const [sizes, real, imag] = results.map((result) => [...result.dataSync()]) as [number[], number[], number[]];
  expect([sizes[0]! / 5e30, sizes[1]! / 5e-30]).toBeAllClose([1, 1], { rtol: 1e-6 });
  expect(sizes.slice(2)).toEqual([0, Infinity, Number.NaN]);
  expect(real.slice(0, 2)).toBeAllClose([0.96, -0.96], { rtol: 1e-6 });
  expect(imag.slice(0, 2)).toBeAllClose([0.28, 0.28], { rtol: 1e-6 });
});

describe('a complex tensor from outside', () => {
  const double = (z: Tensor) => traceOf((x) => parts(tf.mul(tf.add(tf.complex(x!, x!), z), z)), [float(2)]);
  const expected = [
    [-10, -16],
    [10, 28],
  ];
  const outside = (): Tensor => tf.tidy(() => tf.complex([1, 2], [3, 4]));

  test.each(['cpu', 'wasm'] as const)('is read once a trace and left as it is, on %s', async (device) => {
    const z = outside();
    await setBackend(device);
    const x = tf.tensor1d([1, 2]);
    expectNoLeak(() => {
      const program = double(z);
      expect(program.constants).toEqual([]);
      const literals = program.equations.flatMap(({ inputs }) => inputs.filter(({ kind }) => kind === 'literal'));
      expect(new Set(literals).size).toBe(2);
      const results = runOnce(program, [x]);
      expect(results).toBeAllClose(expected);
      tf.dispose(results);
    });
    expect([...z.dataSync()]).toEqual([1, 3, 2, 4]);
    tf.dispose([x, z]);
  });

  test('may be disposed once the function is traced', () => {
    const z = outside();
    const program = double(z);
    z.dispose();
    expect(runOnce(program, [tf.tensor1d([1, 2])])).toBeAllClose(expected);
  });

  test('has its own shape, also where tfjs gave its parts another', () => {
    const z = outside();
    tf.tidy(() => tf.reshape(z, [2, 1]));
    expect(double(z).outputs.map(({ shape }) => shape)).toEqual([[2], [2]]);
  });

  test('of no elements, and a scalar', () => {
    for (const shape of [[0, 2], []]) {
      const z = tf.complex(tf.ones(shape), tf.zeros(shape));
      const program = traceOf((x) => tf.real(tf.mul(tf.complex(x, x), z)), [float(...shape)]);
      expect(runOnce(program, [tf.ones(shape)])).toBeAllClose([tf.ones(shape)]);
    }
  });

  test('in a trace within another one', () => {
    const z = outside();
    const outer = traceOf(
      (x) => {
        const w = tf.mul(tf.complex(x, x), z);
        const inner = traceOf((y) => tf.imag(tf.add(w, tf.complex(y, y))), [float(2)]);
        expect(inner.constants.map(({ value }) => value.dtype)).toEqual(['float32', 'float32']);
        return tf.imag(w);
      },
      [float(2)],
    );
    expect(runOnce(outer, [tf.tensor1d([1, 2])])).toBeAllClose([[4, 12]]);
  });
});

describe('errors', () => {
  /** Expects `f` of a traced complex tensor to throw, and the engine to be as before. */
  function expectError(f: (z: Tensor) => unknown, message: RegExp): void {
    const engine = theEngine();
    const before = Object.keys(engine);
    expectNoLeak(() => {
      expect(() => traceOf((x) => f(tf.complex(x, tf.zerosLike(x))) as Tensor, [float(2, 2)])).toThrow(message);
    });
    expect(Object.keys(engine)).toEqual(before);
    expect(engine.state.scopeStack.length).toBe(0);
  }

  test.each<[string, (z: Tensor) => Tensor, string]>([
    ['exp', (z) => tf.exp(z), 'Exp'],
    ['equal', (z) => tf.equal(z, z), 'Equal'],
    ['pow', (z) => tf.pow(z, 2), 'Pow'],
    ['prod', (z) => tf.prod(z), 'Prod'],
    ['max', (z) => tf.max(z), 'Max'],
    ['cumsum', (z) => tf.cumsum(z), 'Cumsum'],
    ['a kernel that tfjs does not have', (z) => tf.engine().runKernel('Wave', { x: z }) as Tensor, 'Wave'],
  ])('%s works on real numbers', (_, f, kernel) => {
    expectError(
      f,
      new RegExp(
        `^trace: the kernel ${kernel} works on real numbers, and was given complex64\\[2,2\\]. Write what it does with tf.real`,
      ),
    );
  });

  test('complex numbers that nothing makes', () => {
    expectError(
      () => tf.oneHot(tf.tensor1d([0], 'int32'), 2, 1, 0, 'complex64' as 'int32'),
      /the kernel OneHot works on real numbers, and complex64 was asked for/,
    );
  });

  test('parts that are complex', () => {
    expectError((z) => tf.complex(z, z), /cannot be an argument or a result of a program/);
  });

  test('a complex result', () => {
    expectError(
      (z) => z,
      /^trace: a tensor complex64\[2,2\] cannot be an argument or a result.*tf.real\(x\) and tf.imag/,
    );
  });

  test('a throw in the function', () => {
    const z = tf.tidy(() => tf.complex(tf.ones([2, 2]), tf.ones([2, 2])));
    expectError((w) => {
      tf.spectral.fft(tf.mul(w, z));
      throw new Error('thrown within');
    }, /thrown within/);
    z.dispose();
  });

  test('reading a traced value', () => {
    expectError((z) => z.dataSync(), /dataSync: the value of a traced tensor complex64\[2,2\] was read/);
    expectError((z) => z.dataToGPU(), /dataToGPU: a traced tensor complex64\[2,2\] has no data/);
  });

  test('a tensor that escapes', () => {
    let escaped: Tensor | undefined;
    traceOf(
      (x) => {
        escaped = tf.complex(x, x);
        return x;
      },
      [float(2)],
    );
    expect(() => escaped!.dataSync()).toThrow(/a traced tensor complex64\[2\] was used after the function/);
    expect(() => tf.real(escaped!)).toThrow(/a traced tensor complex64\[2\] was used after the function/);
    expect(() => traceOf((x) => tf.add(x, tf.real(escaped!)), [float(2)])).toThrow(/was used after the function/);
    escaped!.dispose();
  });

  test('a variable', () => {
    const [re, z] = tf.tidy(() => [tf.keep(tf.ones([2, 2])), tf.keep(tf.complex(tf.ones([2, 2]), tf.ones([2, 2])))]);
    const variable = tf.variable(z!, true, 'spectrum');
    expectError((w) => tf.real(tf.mul(w, variable)), /the variable spectrum is complex64\[2,2\].*in two variables/);
    variable.dispose();
    tf.dispose([re!, z!]);
  });
});

test('constants made in the function are known, and disposing changes nothing', () => {
  const program = traceOf(
    (x) => {
      const z = tf.complex([1, 2], [3, 4]);
      expect([...z.dataSync()]).toEqual([1, 3, 2, 4]);
      const sum = tf.tidy(() => tf.add(z, tf.complex(x, x)));
      z.dispose();
      const copy = sum.clone();
      sum.dispose();
      return parts(tf.mul(copy, z));
    },
    [float(2)],
  );
  expect(runOnce(program, [tf.tensor1d([0, 1])])).toBeAllClose([
    [-8, -14],
    [6, 22],
  ]);
});

test('integers are real numbers', () => {
  const program = traceOf((x, i) => parts(tf.add(tf.complex(x!, i!), i!)), [float(2), int(2)]);
  expect(runOnce(program, [tf.tensor1d([0.5, 1]), tf.tensor1d([3, 4], 'int32')])).toBeAllClose([
    [3.5, 5],
    [3, 4],
  ]);
});
