// Batches of products in which one matrix serves all, against products of matrices that are repeated. webgpu is left out where there is no adapter.
import '../src/cpu.ts';
import '../src/wasm.ts';
import '@posteriors/testing';
import { provideWebGPU } from '@posteriors/testing';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { currentBackend, type DeviceName, printProgram, setBackend, simplify } from '../src/index.ts';
import { lower } from '../src/lower.ts';
import { float, int, traceOf } from './traced.ts';

const available = await provideWebGPU();
if (available) await import('../src/webgpu.ts');
const devices: readonly DeviceName[] = available ? ['cpu', 'wasm', 'webgpu'] : ['cpu', 'wasm'];

type Tensor = tf.Tensor;
type Numbers = readonly number[];

const lowered = (device: string, ...args: Parameters<typeof traceOf>): string =>
  printProgram(lower(simplify(traceOf(...args)), device));

test('a repeated matrix is read where it is', () => {
  expect(
    `\n${lowered('wasm', (a, b) => tf.matMul(a!, b!, true), [float(4, 3), float(2, 4, 5)])}\n`,
  ).toMatchInlineSnapshot(`
    "
    program(v0: float32[4,3], v1: float32[2,4,5]) {
      v2: float32[1,4,3] = Reshape[shape=[1,4,3]](v0)
      v3: float32[2,3,5] = BatchMatMul[transposeA=true transposeB=false](v2, v1)
      return v3
    }
    "
  `);
  const repeats = /BroadcastTo|Tile|View/;
  for (const device of ['cpu', 'wasm', 'webgpu']) {
    expect(lowered(device, (a, b) => tf.matMul(a!, b!), [float(2, 2, 4, 3), float(1, 1, 3, 5)])).not.toMatch(repeats);
    // One of two has the batch, and a part of a batch is no single matrix.
    const both = (x: Tensor): Tensor => tf.broadcastTo(x, [6, 4, 4]);
    expect(lowered(device, (a, b) => tf.matMul(both(a!), both(b!)), [float(4, 4), float(4, 4)])).toMatch(repeats);
    expect(lowered(device, (a, b) => tf.matMul(a!, b!), [float(2, 3, 4, 4), float(3, 4, 4)])).toMatch(repeats);
    expect(lowered(device, (a, b) => tf.matMul(a!, b!), [int(4, 4), int(3, 4, 4)])).toMatch(repeats);
  }
});

describe.each(devices)('on %s', (device) => {
  beforeAll(() => setBackend(device));

  const transposes = [
    [false, false],
    [false, true],
    [true, false],
    [true, true],
  ] as const;
  const sizes: readonly (readonly [batch: Numbers, rows: number, inner: number, columns: number])[] = [
    [[3], 7, 5, 9],
    [[2, 3], 21, 6, 8],
    [[4], 1, 6, 5],
    [[4], 5, 6, 1],
    [[1], 2, 3, 2],
  ];

  test.each(device === 'webgpu' ? sizes.slice(0, 2) : sizes)(
    'batch %s, %i x %i x %i',
    async (batch, rows, inner, columns) => {
      for (const [transposeA, transposeB] of transposes) {
        for (const shared of [0, 1]) {
          const shapes = [transposeA ? [inner, rows] : [rows, inner], transposeB ? [columns, inner] : [inner, columns]];
          const random = (shape: Numbers, seed: number): Tensor => tf.randomUniform([...shape], -1, 1, 'float32', seed);
          const operands = shapes.map((shape, i) => random(i === shared ? shape : [...batch, ...shape], i + 1));
          const whole = operands.map((x, i) => tf.broadcastTo(x, [...batch, ...shapes[i]!]));
          const run = (inputs: Tensor[]): Tensor => {
            const avals = inputs.map(({ shape }) => float(...shape));
            const executable = currentBackend().compile(
              traceOf((a, b) => tf.matMul(a!, b!, transposeA, transposeB), avals),
            );
            const [result] = executable.run(inputs);
            executable.dispose();
            return result!;
          };
          const [received, expected] = [run(operands), run(whole)];
          expect(received.shape).toEqual(expected.shape);
          expect(Array.from(await received.data())).toBeAllClose(Array.from(await expected.data()), { atol: 1e-6 });
          tf.dispose([...operands, ...whole, received, expected]);
        }
      }
    },
  );
});
