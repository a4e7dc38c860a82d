import type { Tensor } from '@tensorflow/tfjs-core';
import { type Aval, currentBackend, type DataType, type Program, type TraceHooks, trace } from '../src/index.ts';

/** Derivatives are another package's: without them, `tf.grad` and `tf.customGrad` inside a trace are errors here. */
export const hooks: TraceHooks = {
  gradients: () => {
    throw new Error('gradients were asked for');
  },
  customGradient: () => {
    throw new Error('a custom gradient was made');
  },
};

export function float(...shape: number[]): Aval {
  return { shape, dtype: 'float32' };
}

export function int(...shape: number[]): Aval {
  return { shape, dtype: 'int32' };
}

export function bool(...shape: number[]): Aval {
  return { shape, dtype: 'bool' };
}

/** The program of a function of tensors like `examples`. */
export function traceLike(
  fn: (...inputs: Tensor[]) => Tensor | readonly Tensor[],
  examples: readonly Tensor[],
): Program<Tensor> {
  const avals = examples.map(({ shape, dtype }) => ({ shape, dtype: dtype as DataType }));
  return traceOf(fn, avals);
}

/** The program of a function of tensors of these shapes. */
export function traceOf(
  fn: (...inputs: Tensor[]) => Tensor | readonly Tensor[],
  avals: readonly Aval[],
): Program<Tensor> {
  return trace((inputs) => list(fn(...inputs)), avals, hooks);
}

/** Compiles a program, runs it once and frees it. */
export function runOnce(program: Program<Tensor>, inputs: readonly (Tensor | number)[]): Tensor[] {
  const executable = currentBackend().compile(program);
  try {
    return executable.run(inputs);
  } finally {
    executable.dispose();
  }
}

export function list(outputs: Tensor | readonly Tensor[]): readonly Tensor[] {
  return Array.isArray(outputs) ? outputs : [outputs as Tensor];
}
