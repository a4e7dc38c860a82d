/** Programs in loops of our own against each equation run plainly. */
import { dispose, getBackend, type Tensor, tensor } from '@tensorflow/tfjs-core';
import { expect } from 'vitest';
import { type Program, printProgram } from '../src/index.ts';
import { lower } from '../src/lower.ts';
import { simplify } from '../src/simplify/index.ts';
import { type Elements, runPlainly } from './element-reference.ts';
import { type Plan, programOf } from './random-programs.ts';
import { runOnce } from './traced.ts';

function runInLoops(program: Program<Tensor>, inputs: readonly Elements[]): Elements[] {
  const tensors = inputs.map(({ shape, values }, i) => tensor([...values], [...shape], program.inputs[i]!.dtype));
  const outputs = runOnce(program, tensors);
  const results = outputs.map((output) => ({ shape: output.shape, values: Array.from(output.dataSync(), Number) }));
  dispose([...tensors, ...outputs]);
  return results;
}

/** Fails where an element is another, but for the sign of a zero. */
export function requireEqual(received: readonly Elements[], expected: readonly Elements[]): void {
  expected.forEach(({ shape, values }, k) => {
    expect(received[k]!.shape).toEqual(shape);
    values.forEach((value, i) => {
      const other = received[k]!.values[i]!;
      if (value !== other && !(Number.isNaN(value) && Number.isNaN(other)))
        throw new Error(`element ${i} of output ${k} is ${other}, not ${value}`);
    });
  });
}

/** Kernels that are left to tfjs, with less precision, and others in their place. */
const others = { cpu: { Erf: 'Tanh' }, wasm: {} } as const;

/** Runs the program of a plan both ways on the current device, and fails where a bit is another. */
export function requireSame(plan: Plan): void {
  const device = getBackend() as 'cpu' | 'wasm';
  const { program, inputs } = programOf(plan, others[device]);
  try {
    requireEqual(runInLoops(program as Program<Tensor>, inputs), runPlainly(program, inputs, device));
  } catch (error) {
    const values = inputs.map((input) => input.values.slice(0, 20).join(', ')).join('\n');
    throw new Error(
      `${(error as Error).message}\n${printProgram(program)}\n${printProgram(lower(simplify(program), device))}\n${values}`,
      { cause: error },
    );
  }
}
