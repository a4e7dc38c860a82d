import type { Atom, CallEquation, Equation, KernelEquation, Program, ScanEquation, Value } from '@posteriors/backend';
import { type NdArray, sameShape, showShape, sizeOf } from './array.ts';
import { convolution } from './convolution.ts';
import { elementwise } from './elementwise.ts';
import { fourier } from './fourier.ts';
import { indexing } from './indexing.ts';
import type { Kernels } from './kernel.ts';
import { linalg } from './linalg.ts';
import { movement } from './movement.ts';
import { pooling } from './pooling.ts';
import { products } from './products.ts';
import { reductions } from './reductions.ts';
import { selection } from './selection.ts';

const kernels: Kernels = {
  ...convolution,
  ...elementwise,
  ...fourier,
  ...movement,
  ...reductions,
  ...products,
  ...indexing,
  ...pooling,
  ...selection,
  ...linalg,
};

/** What a program's constants hold; `source` is what each was captured from. */
export type Constants<Source> = (source: Source) => NdArray;

/**
 * Runs `program` on `inputs` in float64 and returns its outputs: one plain loop for each kernel, to check other ways of running programs.
 *
 * int32 values are exact and wrap, bool values are 0 and 1. `constants` gives what captured values hold. Outputs may share memory with
 * inputs; nothing is written to.
 *
 * Throws where a kernel is not known, where a shape is not the declared one, and where a value is used before it is defined; the
 * message starts with the path of the equation, as in `interpret: equations[3].body.equations[0] (Add): ...`.
 */
export function interpret<Source>(
  program: Program<Source>,
  inputs: readonly NdArray[],
  constants: Constants<Source> = unavailable,
): NdArray[] {
  return run(program, inputs, constants, '');
}

/** Runs a program that stands at `path`, which is '' or ends with a dot. */
function run<Source>(
  program: Program<Source>,
  inputs: readonly NdArray[],
  constants: Constants<Source>,
  path: string,
): NdArray[] {
  const values = new Map<number, NdArray>();
  const define = (place: string, targets: readonly Value[], arrays: readonly NdArray[]): void => {
    if (targets.length !== arrays.length)
      throw failure(place, `takes ${targets.length} values, but there are ${arrays.length}`);
    targets.forEach((target, i) => {
      if (values.has(target.id)) throw failure(`${place}[${i}]`, `value ${target.id} is already defined`);
      values.set(target.id, checked(`${place}[${i}]`, arrays[i]!, target.shape));
    });
  };
  const read = (place: string, atoms: readonly Atom[]): NdArray[] =>
    atoms.map((atom, i) => {
      if (atom.kind === 'literal')
        return checked(`${place}[${i}]`, { shape: atom.shape, values: Float64Array.from(atom.values) }, atom.shape);
      const array = values.get(atom.id);
      if (array === undefined) throw failure(`${place}[${i}]`, `value ${atom.id} is used before it is defined`);
      return checked(`${place}[${i}]`, array, atom.shape);
    });

  define(`${path}inputs`, program.inputs, inputs);
  const captured = program.constants.map((constant) => constants(constant.source));
  define(
    `${path}constants`,
    program.constants.map((constant) => constant.value),
    captured,
  );
  program.equations.forEach((equation, i) => {
    const place = `${path}equations[${i}]`;
    const outputs = runEquation(equation, read(`${place}.inputs`, equation.inputs), constants, place);
    define(`${place} (${nameOf(equation)}).outputs`, equation.outputs, outputs);
  });
  return read(`${path}outputs`, program.outputs);
}

function runEquation<Source>(
  equation: Equation,
  inputs: readonly NdArray[],
  constants: Constants<Source>,
  place: string,
): readonly NdArray[] {
  switch (equation.type) {
    case 'kernel':
      return [runKernel(equation, inputs, `${place} (${equation.kernel})`)];
    case 'scan':
      return runScan(equation, inputs, constants, place);
    case 'call':
      return runCall(equation, inputs, place);
  }
}

function runKernel(equation: KernelEquation, inputs: readonly NdArray[], place: string): NdArray {
  const kernel = Object.hasOwn(kernels, equation.kernel) ? kernels[equation.kernel] : undefined;
  if (kernel === undefined)
    throw failure(place, `unknown kernel '${equation.kernel}'; known are ${Object.keys(kernels).join(', ')}`);
  const [output] = equation.outputs;
  if (output === undefined) throw failure(place, 'the equation declares no output');
  const result = computed(place, () => kernel(inputs, equation.attributes, output.dtype));
  return output.dtype === 'int32' ? { shape: result.shape, values: result.values.map((value) => value | 0) } : result;
}

function runScan<Source>(
  equation: ScanEquation,
  inputs: readonly NdArray[],
  constants: Constants<Source>,
  place: string,
): readonly NdArray[] {
  // What a body captures comes from where its program's constants come from.
  const body = equation.body as Program<Source>;
  const held = inputs.slice(0, equation.constants);
  let carry = inputs.slice(equation.constants, equation.constants + equation.carry);
  const xs = inputs.slice(equation.constants + equation.carry);
  for (const x of xs) {
    if (x.shape[0] !== equation.length) {
      throw failure(
        `${place} (scan)`,
        `runs ${equation.length} times, but one of its xs has shape ${showShape(x.shape)}`,
      );
    }
  }
  const ys = body.outputs.slice(equation.carry).map(({ shape }) => {
    const stacked = [equation.length, ...shape];
    return { shape: stacked, values: new Float64Array(sizeOf(stacked)) };
  });
  for (let step = 0; step < equation.length; step++) {
    const position = equation.reverse ? equation.length - 1 - step : step;
    const slices = xs.map((x) => sliceAt(x, position));
    const outputs = run(body, [...held, ...carry, ...slices], constants, `${place}.body.`);
    carry = outputs.slice(0, equation.carry);
    ys.forEach((y, i) => {
      const { shape, values } = outputs[equation.carry + i]!;
      y.values.set(values, position * sizeOf(shape));
    });
  }
  return [...carry, ...ys];
}

function runCall(equation: CallEquation, inputs: readonly NdArray[], place: string): readonly NdArray[] {
  const needed = equation.outputs.length + equation.arguments;
  if (inputs.length < needed) {
    throw failure(
      `${place} (call ${equation.name})`,
      `takes at least ${needed} inputs (values, then arguments), but there are ${inputs.length}`,
    );
  }
  return inputs.slice(0, equation.outputs.length);
}

function sliceAt(x: NdArray, position: number): NdArray {
  const shape = x.shape.slice(1);
  const size = sizeOf(shape);
  return { shape, values: x.values.subarray(position * size, (position + 1) * size) };
}

function nameOf(equation: Equation): string {
  return equation.type === 'kernel' ? equation.kernel : equation.type;
}

function checked(place: string, array: NdArray, declared: readonly number[]): NdArray {
  if (!sameShape(array.shape, declared)) {
    throw failure(place, `declared with shape ${showShape(declared)}, but it has shape ${showShape(array.shape)}`);
  }
  if (array.values.length !== sizeOf(declared)) {
    throw failure(
      place,
      `an array of shape ${showShape(declared)} has ${sizeOf(declared)} elements, not ${array.values.length}`,
    );
  }
  return array;
}

function computed(place: string, compute: () => NdArray): NdArray {
  try {
    return compute();
  } catch (error) {
    throw failure(place, error instanceof Error ? error.message : String(error));
  }
}

function failure(place: string, message: string): Error {
  return new Error(`interpret: ${place}: ${message}`);
}

function unavailable(): never {
  throw new Error(
    'interpret: the program has constants; pass a function from their sources to arrays as the third argument',
  );
}
