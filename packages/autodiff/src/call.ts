import { currentTrace, newValue, type Program, type Trace, trace as traceProgram } from '@posteriors/backend';
import type { Tensor } from '@tensorflow/tfjs-core';
import { hooks } from './hooks.ts';

/**
 * Gives `values`, computed from `args` in the open trace, a derivative of their own: `derivative` maps tangents of the float32 arguments to
 * tangents of the values (`forward`), or cotangents of the values to those of all arguments (`reverse`). Returns the values to use.
 */
export function recordCall(
  name: string,
  direction: 'forward' | 'reverse',
  args: readonly Tensor[],
  values: readonly Tensor[],
  derivative: (seeds: readonly Tensor[]) => readonly Tensor[],
): Tensor[] {
  const trace = currentTrace() as Trace;
  const differentiable = args.map((arg) => arg.dtype === 'float32');
  const floats = args.filter((_, i) => differentiable[i]);
  const seeds = direction === 'forward' ? floats : values;
  const expected = direction === 'forward' ? values : floats;
  const traced = traceProgram(
    (tensors) => {
      const results = derivative(tensors);
      const kept = direction === 'forward' ? results : results.filter((_, i) => differentiable[i]);
      kept.forEach((result, i) => {
        const { shape } = expected[i] as Tensor;
        if (`${result.shape}` !== `${shape}`) {
          throw new Error(`${name}: the derivative returned shape [${result.shape}] for a tensor of shape [${shape}]`);
        }
      });
      return kept;
    },
    seeds.map((seed) => ({ shape: seed.shape, dtype: 'float32' })),
    hooks,
  );
  // What the derivative captured becomes inputs, so that it can be applied to other values of them.
  const program: Program = {
    ...traced,
    inputs: [...traced.inputs, ...traced.constants.map(({ value }) => value)],
    constants: [],
  };
  const residuals = traced.constants.map(({ source }) => source);
  const inputs = [...values, ...floats, ...residuals].map((tensor) => trace.atom(tensor));
  const outputs = inputs.slice(0, values.length).map(newValue);
  trace.equations.push({
    type: 'call',
    name,
    direction,
    derivative: program,
    arguments: floats.length,
    inputs,
    outputs,
  });
  return outputs.map((value) => trace.tensor(value));
}
