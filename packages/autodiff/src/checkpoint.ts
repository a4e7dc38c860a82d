import { avalOf, currentTrace, type Program, type Trace, trace as traceProgram } from '@posteriors/backend';
import { type Structure, type TensorTree, unflatten } from '@posteriors/tree';
import { getKernel, type KernelFunc, type Tensor } from '@tensorflow/tfjs-core';
import { tensorLeaves } from './arguments.ts';
import { ownValues, recordCall } from './call.ts';
import { pullBack } from './differentiate.ts';
import { evaluate, refusePromise } from './evaluate.ts';
import { hooks } from './hooks.ts';
import { inlineProgram } from './inline.ts';
import { defineKernel } from './kernel.ts';
import { zerosLike } from './shapes.ts';

const copyOn =
  (device: string): KernelFunc =>
  ({ inputs, backend }) => {
    const [x] = Object.values(inputs as object);
    return getKernel('Identity', device).kernelFunc({ inputs: { x }, backend, attrs: {} });
  };

/** The same values, which no simplification sees through: what is computed from them is computed again. */
const barrier = defineKernel({
  name: 'Barrier',
  shape: ([x]) => x!,
  derivative: { partials: [1], transpose: (_, cotangent) => cotangent },
  batch: ([x]) => barrier([x!]),
  run: { cpu: copyOn('cpu'), wasm: copyOn('wasm'), webgpu: copyOn('webgpu') },
});

/**
 * The same function, of which reverse mode keeps nothing but the arguments and what the function captured: what its derivative needs is
 * computed again in the backward pass. It takes less memory and one more evaluation of `f`.
 *
 * Arguments and value are trees of tensors. Derivatives of any order and batching are those of `f`. (Griewank & Walther, 2000)
 */
export function checkpoint<A extends readonly TensorTree[], Y extends TensorTree>(
  f: (...args: A) => Y,
): (...args: A) => Y {
  return (...args) =>
    evaluate('checkpoint', () => {
      const given = tensorLeaves('checkpoint', 'the argument', args);
      let output: Structure | undefined;
      const traced = traceProgram(
        (symbols) => {
          const result = refusePromise('checkpoint', f(...(unflatten(given.structure, symbols) as unknown as A)));
          const { leaves, structure } = tensorLeaves('checkpoint', 'the result', result);
          output = structure;
          return leaves;
        },
        given.leaves.map(avalOf),
        hooks,
      );
      const program: Program = {
        ...traced,
        inputs: [...traced.inputs, ...traced.constants.map(({ value }) => value)],
        constants: [],
      };
      const inputs = [...given.leaves, ...traced.constants.map(({ source }) => source)];
      const values = ownValues(inputs, inlineProgram(program, inputs));
      const results = recordCall('checkpoint', 'reverse', inputs, values, [], (cotangents) =>
        pulledAgain(program, inputs, cotangents),
      );
      return unflatten(output as Structure, results) as Y;
    });
}

/** Cotangents of the inputs, from the inputs alone. */
function pulledAgain(program: Program, inputs: readonly Tensor[], cotangents: readonly Tensor[]): Tensor[] {
  const trace = currentTrace() as Trace;
  const xs = inputs.map((input) => barrier([input]));
  const start = trace.equations.length;
  const ys = inlineProgram(program, xs);
  const floats = xs.filter(({ dtype }) => dtype === 'float32');
  const differentiable = ys.flatMap((y, i) => (y.dtype === 'float32' ? [i] : []));
  const parts = pullBack(
    trace,
    start,
    floats,
    differentiable.map((i) => ys[i] as Tensor),
    differentiable.map((i) => cotangents[i] as Tensor),
  );
  return xs.map((x) => parts[floats.indexOf(x)] ?? zerosLike(x));
}
