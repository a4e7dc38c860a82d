// Programs in float64, and the devices checked against them.
import { currentBackend, type Program, removeDeadCode, simplify, trace } from '@posteriors/backend';
import { interpret, type NdArray, richardson } from '@posteriors/interpreter';
import type { Tensor } from '@tensorflow/tfjs-core';

/** A source of float32 numbers between -1 and 1 (a multiplicative generator of Park and Miller). */
export function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 48271) % 2147483647;
    return Math.fround((2 * state) / 2147483647 - 1);
  };
}

export function draw(shapes: readonly (readonly number[])[], next: () => number): NdArray[] {
  return shapes.map((shape) => {
    const size = shape.reduce((product, n) => product * n, 1);
    return { shape, values: Float64Array.from({ length: size }, next) };
  });
}

const avals = (shapes: readonly (readonly number[])[]) => shapes.map((shape) => ({ shape, dtype: 'float32' as const }));

/** What `f` does to float32 tensors of these shapes, simplified as before a run. */
export function programOf(
  f: (inputs: Tensor[]) => readonly Tensor[],
  shapes: readonly (readonly number[])[],
): Program<Tensor> {
  return simplify(trace(f, avals(shapes)));
}

/** The shape that `f` returns. */
export function shapeOf(f: (inputs: Tensor[]) => Tensor, shapes: readonly (readonly number[])[]): readonly number[] {
  return trace((inputs) => [f(inputs)], avals(shapes)).outputs[0]!.shape;
}

/** The derivative, by differences, of one output of a program as a function of its first inputs, along `directions`. */
export function difference(
  program: Program<Tensor>,
  output: number,
  inputs: readonly NdArray[],
  directions: readonly NdArray[],
): Float64Array {
  const part = removeDeadCode({ ...program, outputs: [program.outputs[output]!] });
  const join = (arrays: readonly NdArray[]): Float64Array =>
    Float64Array.from(arrays.flatMap(({ values }) => [...values]));
  const at = (x: Float64Array): Float64Array => {
    let offset = 0;
    const moved = inputs.map((input, i): NdArray => {
      if (i >= directions.length) return input;
      offset += input.values.length;
      return { shape: input.shape, values: x.subarray(offset - input.values.length, offset) };
    });
    return interpret(part, moved)[0]!.values;
  };
  return richardson(at, join(inputs.slice(0, directions.length)), join(directions));
}

export function largest(values: ArrayLike<number>): number {
  return Array.from(values).reduce((most, x) => Math.max(most, Math.abs(x)), 0);
}

/** Runs a program in float32 on the current device. */
export function runOnDevice(program: Program<Tensor>, inputs: readonly NdArray[]): Float32Array[] {
  const executable = currentBackend().compile(program);
  const tensors = executable.run(inputs.map(({ values }) => Float32Array.from(values)));
  const results = tensors.map((tensor) => tensor.dataSync().slice() as Float32Array);
  for (const tensor of tensors) tensor.dispose();
  executable.dispose();
  return results;
}
