/** Programs recorded into the open trace, for one example or for a batch of them. */

import {
  type Atom,
  type CallEquation,
  currentTrace,
  newValue,
  type Program,
  record,
  type Trace,
  trace as traceProgram,
  type Value,
} from '@posteriors/backend';
import type { Tensor } from '@tensorflow/tfjs-core';
import { hooks } from './hooks.ts';
import { ruleOf } from './rule.ts';
import './rules/index.ts';
import { batchScan } from './scan-equation.ts';
import { ensureBatched } from './shapes.ts';

/** A tensor, and whether it carries a batch on axis 0. */
export interface Operand {
  readonly tensor: Tensor;
  readonly batched: boolean;
}

/** Records the program on these inputs. */
export function inlineProgram(program: Program, inputs: readonly Tensor[]): Tensor[] {
  return inlineBatched(
    program,
    inputs.map((tensor) => ({ tensor, batched: false })),
    0,
  ).map(({ tensor }) => tensor);
}

/** Records the program once for a whole batch of `size` examples, which batched inputs carry on axis 0, as batched outputs do. */
export function inlineBatched(program: Program, inputs: readonly Operand[], size: number): Operand[] {
  const trace = currentTrace() as Trace;
  const operands = new Map<number, Operand>();
  const operand = (atom: Atom): Operand =>
    atom.kind === 'literal' ? { tensor: trace.tensor(atom), batched: false } : (operands.get(atom.id) as Operand);
  const bind = (values: readonly Value[], given: readonly Operand[]): void => {
    for (const [i, value] of values.entries()) operands.set(value.id, given[i] as Operand);
  };
  bind(program.inputs, inputs);
  for (const { value, source } of program.constants)
    operands.set(value.id, { tensor: source as Tensor, batched: false });

  for (const equation of program.equations) {
    const given = equation.inputs.map(operand);
    const batched = given.map((input) => input.batched);
    const tensors = given.map((input) => input.tensor);
    if (equation.type === 'scan') {
      bind(equation.outputs, batchScan(equation, given, size));
      continue;
    }
    if (equation.type === 'call') {
      bind(equation.outputs, inlineCall(trace, equation, given, size));
      continue;
    }
    const { kernel, attributes } = equation;
    const any = batched.includes(true);
    const tensor = any
      ? ruleOf(kernel, 'vmap').batch(tensors, batched, attributes, size)
      : record(kernel, tensors, attributes);
    operands.set(equation.outputs[0]!.id, { tensor, batched: any });
  }
  return program.outputs.map(operand);
}

/** A batched custom derivative keeps a batch on everything that it differentiates. */
function inlineCall(trace: Trace, equation: CallEquation, given: readonly Operand[], size: number): Operand[] {
  const count = equation.outputs.length;
  const differentiated = count + equation.arguments;
  const any = given.some((input) => input.batched);
  const inputs = given.map((input, i) =>
    any && i < differentiated ? { tensor: ensureBatched(input.tensor, input.batched, size), batched: true } : input,
  );
  const derivative = any ? batchDerivative(equation, inputs, size) : equation.derivative;
  const atoms = inputs.map(({ tensor }) => trace.atom(tensor));
  const outputs = equation.outputs.map(({ shape, dtype }) =>
    newValue({ shape: any ? [size, ...shape] : shape, dtype }),
  );
  trace.equations.push({ ...equation, derivative, inputs: atoms, outputs });
  return outputs.map((value) => ({ tensor: trace.tensor(value), batched: any }));
}

function batchDerivative(equation: CallEquation, inputs: readonly Operand[], size: number): Program {
  const { derivative } = equation;
  const residuals = inputs.slice(equation.outputs.length + equation.arguments + equation.closures);
  const seeds = derivative.inputs.length - residuals.length;
  const avals = derivative.inputs.map((value, i) =>
    i < seeds || residuals[i - seeds]!.batched ? { shape: [size, ...value.shape], dtype: value.dtype } : value,
  );
  return traceProgram(
    (tensors) => {
      const operands = tensors.map((tensor, i) => ({ tensor, batched: i < seeds || residuals[i - seeds]!.batched }));
      return inlineBatched(derivative, operands, size).map(({ tensor, batched }) =>
        ensureBatched(tensor, batched, size),
      );
    },
    avals,
    hooks,
  );
}
