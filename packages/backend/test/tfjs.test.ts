// Running programs on tfjs's devices: values, and exact counts of what is live.
import '../src/cpu.ts';
import '../src/wasm.ts';
import { expectNoLeak } from '@posteriors/testing';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  currentBackend,
  type Executable,
  newValue,
  printProgram,
  record,
  registerKernelSpec,
  setBackend,
  theEngine,
} from '../src/index.ts';
import { float, int, traceOf } from './traced.ts';

type Tensor = tf.Tensor;

const devices = ['cpu', 'wasm'] as const;

/** Buffers that the device holds, whoever made them. */
const buffers = (): number => theEngine().backend.numDataIds();

/** Expects that `run` leaves no tensor and no buffer of the device behind, beyond those that executables keep for numbers. */
function expectNothingLeft(run: () => void): void {
  run();
  const before = buffers();
  expectNoLeak(run);
  expect(buffers()).toBe(before);
}

const compile = (...args: Parameters<typeof traceOf>): Executable => currentBackend().compile(traceOf(...args));

registerKernelSpec('Fails', { inputNames: ['x'], shape: ([x]) => x! });
for (const backendName of devices) {
  tf.registerKernel({
    kernelName: 'Fails',
    backendName,
    kernelFunc: () => {
      throw new Error('the kernel failed');
    },
  });
}

const network = (x: Tensor, w: Tensor, b: Tensor): Tensor[] => {
  const p = tf.softmax(tf.tanh(tf.add(tf.matMul(x, w), b)));
  return [p, tf.mean(tf.square(p)), tf.matMul(x, p, true, false), tf.matMul(p, w, false, true)];
};

test('cpu and wasm equal', async () => {
  await setBackend('cpu');
  const host = [tf.range(0, 12), tf.linspace(-1, 1, 12), tf.linspace(0, 1, 3)].map((t) => t.dataSync() as Float32Array);
  const results: Float32Array[][] = [];
  for (const device of devices) {
    await setBackend(device);
    const executable = compile(network, [float(3, 4), float(4, 3), float(3)]);
    results.push(executable.run(host).map((t) => t.dataSync() as Float32Array));
    expect(currentBackend().name).toBe(device);
  }
  expect(results[1]).toBeAllClose(results[0]);
});

describe.each(devices)('on %s', (device) => {
  beforeAll(() => setBackend(device));
  beforeEach(() => expect(tf.getBackend()).toBe(device));

  test('a run makes its results and nothing else', () => {
    expectNothingLeft(() => {
      const inputs = [tf.ones([3, 4]), tf.ones([4, 3]), tf.ones([3])];
      const executable = compile(network, [float(3, 4), float(4, 3), float(3)]);
      const [tensors, data, held] = [tf.memory().numTensors, tf.memory().numDataBuffers, buffers()];
      for (let i = 1; i <= 3; i++) {
        const outputs = executable.run(inputs);
        expect([tf.memory().numTensors - tensors, tf.memory().numDataBuffers - data, buffers() - held]).toEqual([
          4, 4, 4,
        ]);
        expect(outputs.map(({ shape, dtype }) => [shape, dtype])).toEqual([[[3, 3], 'float32'], [[], 'float32'], [[4, 3], 'float32'], [[3, 4], 'float32']]); // biome-ignore format: one line
        tf.dispose(outputs);
      }
      executable.dispose();
      executable.dispose();
      tf.dispose(inputs);
    });
  });

  test('inside of a tidy the results are its own', () => {
    const executable = compile((x) => tf.exp(tf.add(x!, 1)), [float(2)]);
    expectNothingLeft(() => {
      const kept = tf.tidy(() => {
        executable.run([Float32Array.of(1, 2)]);
        return executable.run([Float32Array.of(-1, 0)])[0]!;
      });
      expect(kept).toBeAllClose([1, Math.E]);
      kept.dispose();
    });
    executable.dispose();
  });

  test('a kernel that fails midway leaves nothing, and the executable runs again', () => {
    const executable = compile((x) => [tf.exp(x!), record('Fails', [tf.neg(tf.exp(x!))]), tf.abs(x!)], [float(2)]);
    const x = tf.tensor1d([1, 2]);
    for (let i = 0; i < 2; i++) {
      expectNothingLeft(() => expect(() => executable.run([x])).toThrow('the kernel failed'));
      expectNothingLeft(() => expect(() => executable.run([Float32Array.of(1, 2)])).toThrow('the kernel failed'));
    }
    expect(x.arraySync()).toEqual([1, 2]);
    x.dispose();
    executable.dispose();
  });

  test('outputs that alias inputs, constants, literals and each other live on their own', () => {
    expectNothingLeft(() => {
      const c = tf.tensor1d([7, 8]);
      const x = tf.tensor1d([1, 2]);
      const executable = compile(
        (x) => {
          const y = tf.exp(x!);
          const flat = tf.reshape(x!, [2, 1]);
          return [x!, x!, c, tf.scalar(3), y, y, flat, tf.reshape(y, [1, 2])];
        },
        [float(2)],
      );
      const outputs = executable.run([x]);
      expect(new Set([x, c, ...outputs]).size).toBe(10);
      tf.dispose([x, c]);
      executable.dispose();
      expect(outputs.map((t) => t.shape)).toEqual([[2], [2], [2], [], [2], [2], [2, 1], [1, 2]]);
      for (const t of [outputs[0], outputs[1], outputs[6]]) expect([...t!.dataSync()]).toEqual([1, 2]);
      expect(outputs[2]!.arraySync()).toEqual([7, 8]);
      expect(outputs[3]!.arraySync()).toBe(3);
      for (const t of outputs.slice(4, 6)) expect(t).toBeAllClose([Math.E, Math.E ** 2]);
      outputs[0]!.dispose();
      outputs[4]!.dispose();
      expect(outputs[1]!.arraySync()).toEqual([1, 2]);
      expect(outputs[7]).toBeAllClose([[Math.E, Math.E ** 2]]);
      tf.dispose(outputs);
    });
  });

  test('buffers that outlive the tensor that was counted for them', () => {
    expectNothingLeft(() => {
      const executable = compile((x) => [tf.scalar(3), tf.neg(tf.reshape(tf.abs(x!), [2, 1]))], [float(2)]);
      tf.dispose(executable.run([Float32Array.of(1, -2)]));
      tf.dispose(executable.run([Float32Array.of(1, -2)]));
      executable.dispose();
    });
  });

  test('an input given as a host value that is an output', () => {
    const executable = compile((x) => [x!, x!], [float(2)]);
    expectNothingLeft(() => {
      const host = Float32Array.of(1, 2);
      const outputs = executable.run([host]);
      host.fill(9);
      for (const output of outputs) expect(output.arraySync()).toEqual([1, 2]);
      tf.dispose(outputs);
    });
    executable.dispose();
  });

  test('kernels that return a tensor the engine tracks', () => {
    const executable = compile(
      (x) => [tf.abs(x!), tf.exp(tf.abs(tf.neg(tf.abs(x!)))), tf.abs(tf.abs(tf.neg(x!)))],
      [float(2)],
    );
    expectNothingLeft(() => tf.dispose(executable.run([Float32Array.of(1, -2)])));
    expectNothingLeft(() => tf.tidy(() => void executable.run([Float32Array.of(1, -2)])));
    const failing = compile((x) => record('Fails', [tf.abs(tf.neg(x!))]), [float(2)]);
    expectNothingLeft(() => expect(() => failing.run([Float32Array.of(1, -2)])).toThrow());
    executable.dispose();
    failing.dispose();
  });

  test('inputs and constants from another device are moved', async () => {
    const other = device === 'cpu' ? 'wasm' : 'cpu';
    await setBackend(other);
    const [x, c, same] = [tf.tensor1d([1, 2]), tf.tensor1d([10, 20]), tf.tensor1d([5, 5])];
    await setBackend(device);
    const executable = compile((x, y) => tf.add(tf.add(x!, y!), c), [float(2), float(2)]);
    expectNoLeak(() => {
      for (let i = 0; i < 2; i++) {
        const [sum] = executable.run([x, same]);
        expect(sum!.arraySync()).toEqual([16, 27]);
        sum!.dispose();
      }
    });
    executable.dispose();
    expect(x.arraySync()).toEqual([1, 2]);
    tf.dispose([x, c, same]);
  });

  test('an executable runs where it was compiled, whatever is current', async () => {
    const executable = compile((x) => tf.mul(x!, 2), [float(2)]);
    await setBackend(device === 'cpu' ? 'wasm' : 'cpu');
    const [y] = executable.run([Float32Array.of(1, 2)]);
    expect(y!.arraySync()).toEqual([2, 4]);
    expectNoLeak(() => tf.add(y!, 1).dispose());
    y!.dispose();
    executable.dispose();
    await setBackend(device);
  });

  test('variables are read at each run', () => {
    const v = tf.variable(tf.tensor1d([1, 2]));
    const executable = compile((x) => tf.mul(x!, v), [float(2)]);
    const product = (): number[] => tf.tidy(() => executable.run([Float32Array.of(3, 4)])[0]!.arraySync() as number[]);
    expect(product()).toEqual([3, 8]);
    tf.tidy(() => v.assign(tf.tensor1d([10, 10])));
    expect(product()).toEqual([30, 40]);
    v.dispose();
    expect(product).toThrow(/disposed/);
    executable.dispose();
  });

  test('host values: numbers and typed arrays', () => {
    const executable = compile((x, n, i) => [tf.mul(x!, n!), tf.add(i!, i!)], [float(2), float(), int(2)]);
    expectNothingLeft(() => {
      const [y, j] = executable.run([Float32Array.of(1, 2), 0.5, Int32Array.of(3, 4)]);
      expect(y!.arraySync()).toEqual([0.5, 1]);
      expect(j!.arraySync()).toEqual([6, 8]);
      const [z, k] = executable.run([Int32Array.of(1, 2), 2, Float32Array.of(3, 4)]);
      expect([z!.dtype, ...z!.dataSync(), k!.dtype, ...k!.dataSync()]).toEqual(['float32', 2, 4, 'int32', 6, 8]);
      tf.dispose([y!, j!, z!, k!]);
    });
    executable.dispose();
  });

  test('inputs that do not fit are errors that show both sides', () => {
    const executable = compile((x, n) => tf.mul(x!, n!), [float(2), float()]);
    const gone = tf.tensor1d([1, 2]);
    gone.dispose();
    const [long, whole] = [tf.ones([3]), tf.ones([2], 'int32')];
    const row = tf.ones([1, 2]);
    expectNothingLeft(() => {
      expect(() => executable.run([Float32Array.of(1, 2)])).toThrow('the program takes 2 inputs and was given 1');
      expect(() => executable.run([long, 1])).toThrow('takes float32[2] and was given float32[3]');
      expect(() => executable.run([whole, 1])).toThrow('takes float32[2] and was given int32[2]');
      expect(() => executable.run([row, 1])).toThrow('takes float32[2] and was given float32[1,2]');
      expect(() => executable.run([Float32Array.of(1, 2, 3), 1])).toThrow('takes float32[2] and was given 3 values');
      expect(() => executable.run([1, 1])).toThrow('takes float32[2] and was given 1 values');
      expect(() => executable.run([gone, 1])).toThrow(/disposed tensor float32\[2\]/);
    });
    executable.dispose();
    expect(() => executable.run([long, 1])).toThrow('this executable was disposed');
    tf.dispose([long, whole, row]);
  });

  test('a tensor of an open trace cannot be run on', () => {
    const executable = compile((x) => tf.exp(x!), [float(2)]);
    const open = (x: Tensor): Tensor => executable.run([x])[0]!;
    expectNothingLeft(() => expect(() => traceOf((x) => open(x!), [float(2)])).toThrow(/without data/));
    executable.dispose();
  });

  test('a kernel that the device lacks is an error when the program is compiled', () => {
    registerKernelSpec('Nowhere', { inputNames: ['x'], shape: ([x]) => x! });
    expectNothingLeft(() => {
      const program = traceOf((x) => [tf.add(x!, tf.tensor1d([1, 2])), record('Nowhere', [x!])], [float(2)]);
      expect(() => currentBackend().compile(program)).toThrow(`the device ${device} has no kernel Nowhere`);
    });
  });

  test('a custom derivative is gone, and its program needs none of its parts', () => {
    const [x, y] = [newValue(float(2)), newValue(float(2))];
    const derivative = { inputs: [], constants: [], equations: [], outputs: [] };
    const call = {
      type: 'call' as const,
      name: 'f',
      direction: 'reverse' as const,
      derivative,
      arguments: 1,
      closures: 0,
      inputs: [x, x],
      outputs: [y],
    };
    const executable = currentBackend().compile({ inputs: [x], constants: [], equations: [call], outputs: [y] });
    expect(executable.program.equations).toEqual([]);
    tf.dispose(executable.run([Float32Array.of(1, 2)]));
    executable.dispose();
  });

  test('products: transposed, in batches, and one operand under two shapes', () => {
    const [a, b] = [tf.randomUniform([2, 60, 5]), tf.randomUniform([2, 60, 7])];
    const executable = compile((a, b) => tf.matMul(a!, b!, true, false), [float(2, 60, 5), float(2, 60, 7)]);
    const [product] = executable.run([a, b]);
    const [x, y] = [a.arraySync() as number[][][], b.arraySync() as number[][][]];
    const entry = (n: number, i: number, j: number): number =>
      x[n]!.reduce((sum, row, k) => sum + row[i]! * y[n]![k]![j]!, 0);
    const expected = [0, 1].map((n) =>
      Array.from({ length: 5 }, (_, i) => Array.from({ length: 7 }, (_, j) => entry(n, i, j))),
    );
    expect(product).toBeAllClose(expected, { rtol: 1e-5 });

    const both = compile(
      (v) => {
        const [row, column] = [tf.reshape(v!, [1, 3]), tf.reshape(v!, [3, 1])];
        return [
          tf.matMul(row, column),
          tf.matMul(column, row),
          tf.matMul(row, row, false, true),
          tf.matMul(column, column, false, true),
        ];
      },
      [float(3)],
    );
    const outer = [[1, 2, 3], [2, 4, 6], [3, 6, 9]]; // biome-ignore format: a matrix
    const outputs = both.run([Float32Array.of(1, 2, 3)]);
    expect(outputs.map((t) => t.arraySync())).toEqual([[[14]], outer, [[14]], outer]);
    tf.dispose([a, b, product!, ...outputs]);
    executable.dispose();
    both.dispose();
  });

  test('a tensor that is changed between runs is multiplied with its new values', () => {
    const v = tf.variable(tf.ones([2, 2]));
    const executable = compile((x) => tf.matMul(x!, v), [float(1, 2)]);
    const product = (): unknown => tf.tidy(() => executable.run([Float32Array.of(1, 2)])[0]!.arraySync());
    expect(product()).toEqual([[3, 3]]);
    tf.tidy(() => v.assign(tf.tensor2d([[1, 0], [0, 1]]))); // biome-ignore format: a matrix
    expect(product()).toEqual([[1, 2]]);
    v.dispose();
    executable.dispose();
  });

  test('nothing: reductions over no elements, and results without any', () => {
    const executable = compile(
      (x) => {
        const rows = tf.mean(x!, 1);
        return [
          tf.sum(x!),
          tf.sum(x!, 1),
          tf.prod(x!),
          tf.max(x!, 1),
          tf.min(x!, 1),
          rows,
          tf.sum(x!, 0),
          tf.exp(x!),
          tf.transpose(x!),
          tf.matMul(x!, x!, false, true),
          tf.concat([x!, x!], 0),
        ];
      },
      [float(2, 0)],
    );
    expectNothingLeft(() => {
      const outputs = executable.run([new Float32Array(0)]);
      expect(outputs.slice(0, 6).map((t) => t.arraySync())).toEqual([
        0,
        [0, 0],
        1,
        [-Infinity, -Infinity],
        [Infinity, Infinity],
        [NaN, NaN],
      ]);
      expect(outputs.slice(6).map((t) => t.shape)).toEqual([[0], [2, 0], [0, 2], [2, 2], [4, 0]]);
      expect(outputs[9]!.arraySync()).toEqual([[0, 0], [0, 0]]); // biome-ignore format: a matrix
      tf.dispose(outputs);
    });
    executable.dispose();
  });

  test('the program can be printed, as it was given and as it runs', () => {
    const executable = compile((x) => tf.sub(x!, tf.max(x!)), [float(2)]);
    expect(printProgram(executable.source)).toContain('Max[axis=[0]](v0)');
    expect(executable.program).not.toBe(executable.source);
    expect(printProgram(executable.program)).toMatch(/^program\(v0: float32\[2\]\) \{\n/);
    executable.dispose();
  });
});

test('a backend is made once for each device', async () => {
  await setBackend('cpu');
  const cpu = currentBackend();
  expect(currentBackend()).toBe(cpu);
  await setBackend('wasm');
  expect(currentBackend()).not.toBe(cpu);
  expect(currentBackend().name).toBe('wasm');
});
