/** Programs in routines against each equation run plainly. */
import { expectNoLeak } from '@posteriors/testing';
import { dispose, getBackend, type Tensor, tensor } from '@tensorflow/tfjs-core';
import { expect } from 'vitest';
import { currentBackend, type Program, printProgram, theEngine } from '../src/index.ts';
import type { Elements } from './element-reference.ts';
import { requireEqual } from './fused-and-plain.ts';
import { elementsOfTensor, runStepByStep } from './plain-programs.ts';
import { capturedBy, type RoutinePlan, routineProgramOf } from './routine-programs.ts';
import { withoutMemoryAfter } from './without-memory.ts';

/** Two runs of one executable, and one for which the memory does not suffice in between, which must leave nothing. */
function runTwice(program: Program<Tensor>, inputs: readonly Elements[], memory: number): Elements[][] {
  const runs: Elements[][] = [];
  const tensors = inputs.map(({ shape, values }, i) => tensor([...values], [...shape], program.inputs[i]!.dtype));
  const buffers = theEngine().backend.numDataIds();
  expectNoLeak(() => {
    const executable = currentBackend().compile(program);
    const run = (): void => {
      const outputs = executable.run(tensors);
      runs.push(outputs.map(elementsOfTensor));
      dispose(outputs);
    };
    run();
    const held = theEngine().backend.numDataIds();
    expectNoLeak(() => void withoutMemoryAfter(memory, () => dispose(executable.run(tensors))));
    expect(theEngine().backend.numDataIds()).toBe(held);
    run();
    executable.dispose();
  });
  expect(theEngine().backend.numDataIds()).toBe(buffers);
  requireEqual(tensors.map(elementsOfTensor), inputs);
  dispose(tensors);
  return runs;
}

/** Runs the program of a plan both ways on the current device, and fails where a bit is another or a tensor is left. */
export function requireSameInRoutines(plan: RoutinePlan): void {
  const { program, inputs } = routineProgramOf(plan);
  const captured = capturedBy(program);
  try {
    const expected = runStepByStep(program, inputs, getBackend() as 'cpu' | 'wasm');
    for (const received of runTwice(program, inputs, plan.outputs % 6)) requireEqual(received, expected);
  } catch (error) {
    const values = inputs.map((input) => input.values.slice(0, 20).join(', ')).join('\n');
    throw new Error(`${(error as Error).message}\n${printProgram(program)}\n${values}`, { cause: error });
  } finally {
    dispose(captured);
  }
}
