// Random programs of all kinds of kernels and loops, on devices that run them as few functions: equal to the bit to what each equation makes by
// itself.
import '../src/cpu.ts';
import '../src/wasm.ts';
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  type Atom,
  currentBackend,
  type Equation,
  type Literal,
  newValue,
  type Program,
  record,
  setBackend,
  simplify,
  type Value,
} from '../src/index.ts';
import { lower } from '../src/lower.ts';
import { withRoutines } from '../src/routine.ts';
import { mayMakeFunctions } from '../src/routines-on-cpu.ts';
import { routinePlans } from './routine-programs.ts';
import { requireSameInRoutines } from './routines-and-plain.ts';
import { float, runOnce, traceOf } from './traced.ts';

/** The values of the outputs of a program. */
function valuesOf(program: Program<tf.Tensor>, inputs: readonly tf.Tensor[]): unknown[] {
  const outputs = runOnce(program, inputs);
  const values = outputs.map((output) => output.arraySync());
  tf.dispose([...inputs, ...outputs]);
  return values;
}

function shapeOf(nested: unknown): number[] {
  return Array.isArray(nested) ? [nested.length, ...shapeOf(nested[0])] : [];
}

/** Adds literals of two numbers, `first` and 1, `first + 1` and 1, and so on, one after the other. */
function adding(count: number, first: number): { from: Value; equations: Equation[]; to: Atom } {
  const from = newValue(float(2));
  const equations: Equation[] = [];
  let to: Value = from;
  for (let i = 0; i < count; i++) {
    const literal: Literal = { kind: 'literal', shape: [2], dtype: 'float32', values: Float32Array.of(first + i, 1) };
    const sum = newValue(to);
    equations.push({ type: 'kernel', kernel: 'Add', inputs: [to, literal], attributes: {}, outputs: [sum] });
    to = sum;
  }
  return { from, equations, to };
}

describe.each(['cpu', 'wasm'] as const)('on %s', (device) => {
  beforeAll(() => setBackend(device));

  test('random programs', () => {
    fc.assert(fc.property(routinePlans([1, 2, 3, 4, 5, 7]), requireSameInRoutines), { numRuns: 150, seed: 1 });
  });

  test('random programs with few elements, or none', () => {
    fc.assert(fc.property(routinePlans([0, 1, 2]), requireSameInRoutines), { numRuns: 50, seed: 2 });
  });

  test('more values than a function has parameters', () => {
    const program = traceOf(
      (x) => {
        let y = x!;
        for (let i = 0; i < 700; i++) y = record('Reverse', [tf.add(y, i)], { dims: [0] });
        return y;
      },
      [float(3)],
    );
    const parted = withRoutines(lower(simplify(program), device), () => true);
    expect(parted.equations.length).toBeGreaterThan(1);
    expect(parted.equations.every(({ type }) => type === 'routine')).toBe(true);
    const sum = (699 * 700) / 2;
    expect(valuesOf(program, [tf.tensor1d([1, 2, 3])])).toEqual([[sum + 1, sum + 2, sum + 3]]);
  });

  test.runIf(device === 'wasm' || mayMakeFunctions()).each([1000, 300_000])(
    'what %i numbers are on the way is there twice, whatever the way',
    (size) => {
      const program = traceOf(
        (x) => Array.from({ length: 11 }).reduce<tf.Tensor>((y) => record('Reverse', [tf.neg(y)], { dims: [0] }), x!),
        [float(size)],
      );
      const executable = currentBackend().compile(program);
      const [, bytes] = executable.code.match(
        device === 'cpu' ? /new ArrayBuffer\((\d+)\)/ : /(\d+) bytes of scratch/,
      )!;
      expect(Number(bytes)).toBe(2 * 4 * size);
      const x = tf.range(0, size);
      for (let run = 0; run < 2; run++) {
        const [y] = executable.run([x]);
        expect(Array.from(y!.dataSync().subarray(0, 3), (value) => -value)).toEqual([size - 1, size - 2, size - 3]);
        y!.dispose();
      }
      x.dispose();
      executable.dispose();
    },
  );

  test('one kernel of more inputs than a function has parameters', () => {
    const inputs = Array.from({ length: 1100 }, (_, i) => tf.tensor1d([i]));
    const program = traceOf(
      (...xs) => record('Concat', xs, { axis: 0 }),
      inputs.map(() => float(1)),
    );
    expect(valuesOf(program, inputs)).toEqual([Array.from(inputs.keys())]);
  });

  test('loops that read more literals than a function has parameters', () => {
    const start = newValue(float(2));
    const equations: Equation[] = [];
    let carried = start;
    for (const first of [0, 600]) {
      const { from, equations: own, to } = adding(600, first);
      const output = newValue(from);
      equations.push({
        type: 'scan',
        body: { inputs: [from], constants: [], equations: own, outputs: [to] },
        length: 2,
        constants: 0,
        carry: 1,
        reverse: false,
        inputs: [carried],
        outputs: [output],
      });
      carried = output;
    }
    const program = { inputs: [start], constants: [], equations, outputs: [carried] };
    expect(valuesOf(program, [tf.tensor1d([5, 0])])).toEqual([[5 + 1200 * 1199, 2400]]);
  });

  test('what is the same elements twice, and then another shape, has that shape', () => {
    const x = (): tf.Tensor => tf.tensor([7], [1, 1]);
    const scalar = (y: tf.Tensor): tf.Tensor => record('Slice', [tf.reshape(y, [])], { begin: [], size: [] });
    const program = traceOf((y) => [scalar(tf.neg(y!)), scalar(y!)], [float(1, 1)]);
    expect(valuesOf(program, [x()])).toEqual([-7, 7]);
    const pairs = [[1, 0], [0, 0], [0, 1], [0, 0], [1, 1], [0, 0], [0, 1]]; // biome-ignore format: pairs
    const pad = traceOf(
      (y) => record('PadV2', [y!], { paddings: pairs, constantValue: 0 }),
      [float(1, 2, 1, 2, 1, 2, 1)],
    );
    const [padded] = valuesOf(pad, [tf.ones([1, 2, 1, 2, 1, 2, 1])]);
    expect(shapeOf(padded)).toEqual([2, 2, 2, 2, 3, 2, 2]);
  });
});
