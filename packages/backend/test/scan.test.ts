// Loops within programs, made by hand.
import '../src/cpu.ts';
import '../src/wasm.ts';
import { expectNoLeak } from '@posteriors/testing';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  type Aval,
  currentBackend,
  type Executable,
  newValue,
  type Program,
  printProgram,
  record,
  registerKernelSpec,
  setBackend,
  theEngine,
} from '../src/index.ts';
import { float, int, traceOf } from './traced.ts';
import { withoutMemoryAfter } from './without-memory.ts';

/** `body` maps `[constants, carry, x]` to `[carry, y]`. */
interface Loop {
  readonly body: Program<tf.Tensor>;
  readonly length: number;
  readonly constants: number;
  readonly carry: number;
  readonly reverse?: boolean;
}

function scan({ body, length, constants, carry, reverse = false }: Loop): Program<tf.Tensor> {
  const stacked = ({ shape, dtype }: Aval): Aval => ({ shape: [length, ...shape], dtype });
  const inputs = body.inputs.map((input, i) => newValue(i < constants + carry ? input : stacked(input)));
  const outputs = body.outputs.map((output, i) => newValue(i < carry ? output : stacked(output)));
  const equation = { type: 'scan' as const, body, length, constants, carry, reverse, inputs, outputs };
  return { inputs, constants: [], equations: [equation], outputs };
}

registerKernelSpec('FailsThird', { inputNames: ['x'], shape: ([x]) => x! });
let calls = 0;
for (const backendName of ['cpu', 'wasm']) {
  tf.registerKernel({
    kernelName: 'FailsThird',
    backendName,
    kernelFunc: ({ inputs, backend }) => {
      if (++calls % 3 === 0) throw new Error('the third call failed');
      return tf.getKernel('Neg', backendName).kernelFunc({ inputs, backend, attrs: {} });
    },
  });
}

/** Runs on values of the host and answers with the values of each output; nothing may be left. */
function run(program: Program<tf.Tensor>, inputs: Parameters<Executable['run']>[0]): unknown[] {
  let values: unknown[] = [];
  const buffers = theEngine().backend.numDataIds();
  expectNoLeak(() => {
    const executable = currentBackend().compile(program);
    const outputs = executable.run(inputs);
    values = outputs.map((output) => output.arraySync());
    tf.dispose(outputs);
    executable.dispose();
  });
  expect(theEngine().backend.numDataIds()).toBe(buffers);
  return values;
}

const vector = (...values: number[]): Float32Array => Float32Array.from(values);

describe.each(['cpu', 'wasm'] as const)('on %s', (device) => {
  beforeAll(() => setBackend(device));

  // carry' = a * carry + x, y = carry
  const recurrence = (): Program<tf.Tensor> =>
    traceOf((a, carry, x) => [tf.add(tf.mul(a!, carry!), x!), carry!], [float(), float(), float()]);

  test('forward and in reverse', () => {
    const loop = { body: recurrence(), length: 3, constants: 1, carry: 1 };
    expect(run(scan(loop), [2, 1, vector(10, 20, 30)])).toEqual([118, [1, 12, 44]]);
    expect(run(scan({ ...loop, reverse: true }), [2, 1, vector(10, 20, 30)])).toEqual([
      2 * (2 * 32 + 20) + 10,
      [84, 32, 1],
    ]);
  });

  test('once, and never', () => {
    expect(run(scan({ body: recurrence(), length: 1, constants: 1, carry: 1 }), [2, 1, vector(10)])).toEqual([12, [1]]);
    const never = scan({ body: recurrence(), length: 0, constants: 1, carry: 1 });
    expect(run(never, [2, 1, vector()])).toEqual([1, []]);
    const tensors = [tf.scalar(2), tf.scalar(7), tf.zeros([0])];
    expect(run(never, tensors)).toEqual([7, []]);
    tf.dispose(tensors);
  });

  test('several carries, constants and slices, with arrays of other shapes and dtypes', () => {
    const outside = tf.tensor1d([100, 200]);
    const body = traceOf(
      (w, matrix, count, x, i) => [
        tf.matMul(matrix!, w!),
        tf.add(count!, i!),
        tf.add(tf.add(tf.sum(matrix!, 0), x!), outside),
        tf.mul(i!, i!),
        tf.scalar(5),
        x!,
      ],
      [float(2, 2), float(2, 2), int(), float(2), int()],
    );
    const program = scan({ body, length: 3, constants: 1, carry: 2 });
    const inputs = [vector(0, 1, 1, 0), vector(1, 2, 3, 4), 10, vector(1, 2, 3, 4, 5, 6), Int32Array.of(1, 2, 3)];
    expect(run(program, inputs)).toEqual([
      [[2, 1], [4, 3]],
      16,
      [[105, 208], [109, 208], [109, 212]],
      [1, 4, 9],
      [5, 5, 5],
      [[1, 2], [3, 4], [5, 6]],
    ]); // biome-ignore format: matrices
    outside.dispose();
  });

  test('a carry that is not touched, or only exchanged, and outputs that repeat', () => {
    const body = traceOf((a, b) => [b!, a!, a!, a!, b!], [float(2), float(2)]);
    const program = scan({ body, length: 3, constants: 0, carry: 2 });
    const [a, b] = [tf.tensor1d([1, 2]), tf.tensor1d([3, 4])];
    const rows = [[1, 2], [3, 4], [1, 2]]; // biome-ignore format: a matrix
    const others = [[3, 4], [1, 2], [3, 4]]; // biome-ignore format: a matrix
    expect(run(program, [a, b])).toEqual([[3, 4], [1, 2], rows, rows, others]); // biome-ignore format: one line
    expect(a.arraySync()).toEqual([1, 2]);
    tf.dispose([a, b]);
  });

  test('slices and results without elements', () => {
    const body = traceOf((carry, x) => [tf.add(carry!, tf.sum(x!)), tf.exp(x!)], [float(), float(0, 2)]);
    const loop = scan({ body, length: 2, constants: 0, carry: 1 });
    expect(run(loop, [3, vector()])).toEqual([3, []]);
    // On cpu tfjs keeps a plain array for it.
    const slices = tf.tidy(() => tf.stack([tf.zeros([0, 2]), tf.ones([0, 2])]));
    expect(run(loop, [3, slices])).toEqual([3, []]);
    slices.dispose();
  });

  test('a loop in a loop, among other equations', () => {
    const inner = scan({ body: recurrence(), length: 2, constants: 1, carry: 1 });
    const [a, carry, x] = inner.inputs as [
      (typeof inner.inputs)[0],
      (typeof inner.inputs)[0],
      (typeof inner.inputs)[0],
    ];
    const outer = scan({ body: { ...inner, inputs: [a, carry, x] }, length: 2, constants: 1, carry: 1 });
    const doubled = newValue(float());
    const program: Program<tf.Tensor> = {
      ...outer,
      equations: [
        ...outer.equations,
        {
          type: 'kernel',
          kernel: 'Add',
          inputs: [outer.outputs[0]!, outer.outputs[0]!],
          attributes: {},
          outputs: [doubled],
        },
      ],
      outputs: [doubled, outer.outputs[1]!],
    };
    expect(printProgram(program)).toMatchInlineSnapshot(`
      "program(v0: float32[], v1: float32[], v2: float32[2,2]) {
        v3: float32[], v4: float32[2,2] = scan[length=2](v0, v1, v2)
          program(v5: float32[], v6: float32[], v7: float32[2]) {
            v8: float32[], v9: float32[2] = scan[length=2](v5, v6, v7)
              program(v10: float32[], v11: float32[], v12: float32[]) {
                v13: float32[] = Multiply(v10, v11)
                v14: float32[] = Add(v13, v12)
                return v14, v11
              }
            return v8, v9
          }
        v15: float32[] = Add(v3, v3)
        return v15, v4
      }"
    `);
    expect(run(program, [2, 1, vector(1, 2, 3, 4)])).toEqual([2 * 42, [[1, 3], [8, 19]]]); // biome-ignore format: one line
  });

  test('inside of a tidy the results are its own', () => {
    const executable = currentBackend().compile(scan({ body: recurrence(), length: 3, constants: 1, carry: 1 }));
    expectNoLeak(() => {
      tf.tidy(() => void executable.run([2, 1, vector(10, 20, 30)]));
      const kept = tf.tidy(() => executable.run([2, 1, vector(10, 20, 30)]));
      expect(kept[1]!.arraySync()).toEqual([1, 12, 44]);
      tf.dispose(kept);
    });
    executable.dispose();
  });

  test('a body that fails midway leaves nothing', () => {
    const body = traceOf(
      (c, x) => [record('FailsThird', [tf.exp(tf.add(c!, x!))]), tf.exp(x!), x!],
      [float(2), float(2)],
    );
    const executable = currentBackend().compile(scan({ body, length: 4, constants: 0, carry: 1, reverse: true }));
    const [c, xs] = [tf.ones([2]), tf.ones([4, 2])];
    calls = 0;
    expect(() => executable.run([vector(1, 2), xs])).toThrow('the third call failed');
    const buffers = theEngine().backend.numDataIds();
    expectNoLeak(() => expect(() => executable.run([c, xs])).toThrow('the third call failed'));
    expectNoLeak(() =>
      expect(() => executable.run([vector(1, 2), new Float32Array(8)])).toThrow('the third call failed'),
    );
    expect(theEngine().backend.numDataIds()).toBe(buffers);
    tf.dispose([c, xs]);
    executable.dispose();
  });

  // A loop with a sum of all before is no routine.
  test('slices and results that cannot be made leave nothing', () => {
    const body = traceOf((c, x, y) => [tf.add(c!, tf.cumsum(tf.mul(x!, y!))), x!], [float(2), float(2), float(2)]);
    const executable = currentBackend().compile(scan({ body, length: 2, constants: 0, carry: 1 }));
    const inputs = [vector(1, 2), vector(1, 2, 3, 4), vector(1, 2, 3, 4)];
    const buffers = theEngine().backend.numDataIds();
    const failing = (count: number): boolean => {
      let fails = false;
      expectNoLeak(() => {
        fails = withoutMemoryAfter(count, () => tf.dispose(executable.run(inputs)));
      });
      expect(theEngine().backend.numDataIds()).toBe(buffers);
      return fails;
    };
    let count = 0;
    while (failing(count)) count++;
    expect(count).toBeGreaterThan(8);
    executable.dispose();
  });

  test('a body that cannot be compiled leaves nothing', () => {
    registerKernelSpec('Nowhere', { inputNames: ['x'], shape: ([x]) => x! });
    const first = scan({
      body: traceOf((c) => tf.add(c!, tf.tensor1d([1, 2])), [float(2)]),
      length: 2,
      constants: 0,
      carry: 1,
    });
    const out = newValue(float(2));
    const nowhere = {
      type: 'kernel' as const,
      kernel: 'Nowhere',
      inputs: first.outputs,
      attributes: {},
      outputs: [out],
    };
    const program = { ...first, equations: [...first.equations, nowhere], outputs: [out] };
    const buffers = theEngine().backend.numDataIds();
    expect(() => currentBackend().compile(program)).toThrow(/no kernel Nowhere/);
    expect(theEngine().backend.numDataIds()).toBe(buffers);
  });

  test('runs where it was compiled, whatever is current', async () => {
    const executable = currentBackend().compile(scan({ body: recurrence(), length: 3, constants: 1, carry: 1 }));
    await setBackend(device === 'cpu' ? 'wasm' : 'cpu');
    const outputs = executable.run([2, 1, vector(10, 20, 30)]);
    expect(outputs.map((output) => output.arraySync())).toEqual([118, [1, 12, 44]]);
    tf.dispose(outputs);
    executable.dispose();
    await setBackend(device);
  });
});
