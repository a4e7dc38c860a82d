/** Compiled programs under tfjs's own `tf.grad`: their derivative is put on its tape. */
import {
  type Aval,
  constant,
  currentTrace,
  type Executable,
  type HostValues,
  hostValues,
  type Program,
  type RunInput,
  record,
  type Trace,
  theEngine,
} from '@posteriors/backend';
import { Tensor } from '@tensorflow/tfjs-core';
import { pullBack } from './differentiate.ts';
import { evaluate } from './evaluate.ts';
import { inlineProgram } from './inline.ts';
import { zerosLike } from './shapes.ts';

/** Runs a program; where tfjs records a tape, the run becomes one node of it. */
export function runOnTape(
  name: string,
  program: Program<Tensor>,
  executable: Executable,
  inputs: readonly RunInput[],
): Tensor[] {
  const outputs = executable.run(inputs);
  const engine = theEngine();
  if (!engine.isTapeOn()) return outputs;

  const sources = [...inputs, ...program.constants.map(({ source }) => source)];
  const given = sources.filter((source): source is Tensor => source instanceof Tensor);
  const floats = (tensors: readonly Tensor[]): Tensor[] => tensors.filter(({ dtype }) => dtype === 'float32');
  const whole: Program = {
    ...program,
    inputs: [...program.inputs, ...program.constants.map(({ value }) => value)],
    constants: [],
  };
  const cotangentsOf = (dys: Tensor | Tensor[], saved: readonly Tensor[]): Tensor[] =>
    evaluate(name, () => {
      const trace = currentTrace() as Trace;
      const xs = saved.map((tensor) => record('Identity', [tensor]));
      let next = 0;
      const args = sources.map((source, i) =>
        source instanceof Tensor ? (xs[next++] as Tensor) : hostConstant(source, whole.inputs[i] as Aval),
      );
      const start = trace.equations.length;
      const ys = floats(inlineProgram(whole, args));
      const parts = pullBack(trace, start, floats(xs), ys, [dys].flat());
      return parts.map((part, i) => part ?? zerosLike(floats(xs)[i] as Tensor));
    });
  const backward = (dys: Tensor | Tensor[], saved: Tensor[]): { [name: string]: () => Tensor } => {
    try {
      return Object.fromEntries(cotangentsOf(dys, saved).map((cotangent, i) => [i, () => cotangent]));
    } catch (error) {
      // tfjs frees what a tape saves only where its backward pass succeeds.
      for (const tensor of saved) tensor.dispose();
      throw error;
    }
  };
  // As tfjs saves tensors: within a kernel, where `clone` is not put on the tape twice.
  engine.state.kernelDepth++;
  const saved: Tensor[] = [];
  try {
    for (const tensor of given) saved.push(engine.keep(engine.clone(tensor)));
  } catch (error) {
    for (const tensor of saved) tensor.dispose();
    throw error;
  } finally {
    engine.state.kernelDepth--;
  }
  engine.addTapeNode(name, Object.fromEntries(floats(given).entries()), floats(outputs), backward, saved, {});
  return outputs;
}

function hostConstant(input: number | HostValues, { shape, dtype }: Aval): Tensor {
  return constant(typeof input === 'number' ? hostValues(dtype, 1).fill(input) : input, shape, dtype);
}
