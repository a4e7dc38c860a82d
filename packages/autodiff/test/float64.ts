// Programs in float64, and the devices checked against them.
import {
  type Aval,
  currentBackend,
  hostValues,
  type Program,
  removeDeadCode,
  simplify,
  trace,
} from '@posteriors/backend';
import { interpret, type NdArray, richardson } from '@posteriors/interpreter';
import type { Tensor } from '@tensorflow/tfjs-core';
import { expect } from 'vitest';
import { hooks } from '../src/hooks.ts';
import type { Case } from './draws.ts';

/** An array and the dtype that a device holds it in. */
export interface Input extends NdArray {
  readonly dtype: Aval['dtype'];
}

/** A source of uniform numbers in [0, 1) (mulberry32). */
export function uniforms(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((size, n) => size * n, 1);
}

/** Inputs of a case. */
export function draw({ draws, shapes }: Case, uniform: () => number): Input[] {
  return draws.map(({ dtype, element }, i) => {
    const shape = shapes[i] as readonly number[];
    const size = sizeOf(shape);
    return { dtype, shape, values: Float64Array.from({ length: size }, (_, k) => element(uniform, k, size)) };
  });
}

/** Numbers between -1 and 1 in the shape of each input. */
export function directions(like: readonly { readonly shape: readonly number[] }[], uniform: () => number): Input[] {
  return like.map(({ shape }) => ({
    dtype: 'float32',
    shape,
    values: Float64Array.from({ length: sizeOf(shape) }, () => Math.fround(2 * uniform() - 1)),
  }));
}

/** What `f` does to tensors of these shapes, simplified as before a run. */
export function programOf(f: (inputs: Tensor[]) => readonly Tensor[], inputs: readonly Aval[]): Program<Tensor> {
  return simplify(trace(f, inputs, hooks));
}

/** The part of a program that some of its outputs need. */
export function only(program: Program<Tensor>, ...outputs: readonly number[]): Program<Tensor> {
  return removeDeadCode({ ...program, outputs: outputs.map((i) => program.outputs[i]!) });
}

/**
 * The derivative, by differences, of one output of a program as a function of its float32 inputs among the first
 * `directions.length`, along `directions`.
 */
export function difference(
  program: Program<Tensor>,
  output: number,
  inputs: readonly Input[],
  along: readonly Input[],
): Float64Array {
  const part = only(program, output);
  const moving = along.map((_, i) => i).filter((i) => inputs[i]!.dtype === 'float32');
  const join = (arrays: readonly NdArray[]): Float64Array =>
    Float64Array.from(moving.flatMap((i) => [...arrays[i]!.values]));
  const at = (x: Float64Array): Float64Array => {
    let offset = 0;
    const moved = inputs.map((input, i): NdArray => {
      if (!moving.includes(i)) return input;
      offset += input.values.length;
      return { shape: input.shape, values: x.subarray(offset - input.values.length, offset) };
    });
    return interpret(part, moved)[0]!.values;
  };
  return richardson(at, join(inputs), join(along));
}

export function largest(values: Iterable<number>): number {
  let result = 0;
  for (const value of values) result = Math.max(result, Math.abs(value));
  return result;
}

/** Expects every element within `tolerance` of the expected one, relative to the largest, beside an absolute `floor`. */
export function expectClose(
  what: string,
  received: ArrayLike<number>,
  expected: ArrayLike<number>,
  tolerance: number,
  floor = 0,
): void {
  expect(received.length, what).toBe(expected.length);
  const allowed = tolerance * largest(Array.from(expected)) + floor;
  for (let i = 0; i < expected.length; i++) {
    const error = Math.abs(received[i]! - expected[i]!);
    if (!(error <= allowed)) {
      const values = `received [${Array.from(received)}], expected [${Array.from(expected)}]`;
      throw new Error(`${what}: element ${i} is off by ${error}, allowed are ${allowed}; ${values}`);
    }
  }
}

/** Arrays as a device takes them. */
export function hostInputs(inputs: readonly Input[]): ReturnType<typeof hostValues>[] {
  return inputs.map(({ dtype, values }) => {
    const host = hostValues(dtype, values.length);
    host.set(values);
    return host;
  });
}

/** Runs a program in float32 on the current device. */
export function runOnDevice(program: Program<Tensor>, inputs: readonly Input[]): Float64Array[] {
  const executable = currentBackend().compile(program);
  const tensors = executable.run(hostInputs(inputs));
  const results = tensors.map((tensor) => Float64Array.from(tensor.dataSync()));
  for (const tensor of tensors) tensor.dispose();
  executable.dispose();
  return results;
}
