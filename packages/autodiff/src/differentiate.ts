/**
 * The core of all derivatives: tangents pushed forward through recorded equations, and linear equations transposed.
 *
 * Reverse mode is linearise, then transpose: the tangents of the outputs are recorded as linear functions of symbolic tangents of the
 * inputs, those equations are taken out of the trace again, and walked backwards with cotangents.
 */

import {
  type Atom,
  type CallEquation,
  currentTrace,
  type Equation,
  type KernelEquation,
  newValue,
  record,
  type Trace,
  type Value,
} from '@posteriors/backend';
import { add, mul, type Tensor } from '@tensorflow/tfjs-core';
import { inlineProgram } from './inline.ts';
import { ruleOf } from './rule.ts';
import './rules/index.ts';
import { scanTangents, transposeScan } from './scan-equation.ts';
import { broadcastTo, sumTo, zerosLike } from './shapes.ts';

export type Mode = 'forward' | 'reverse';
type Slots = Map<number, Tensor>;

/** Equations on a path from `xs` to `ys`. */
function between(equations: readonly Equation[], xs: ReadonlySet<number>, ys: readonly Atom[]): Equation[] {
  const needed = new Set(ys.flatMap((y) => (y.kind === 'value' ? [y.id] : [])));
  const upstream: Equation[] = [];
  for (let i = equations.length - 1; i >= 0; i--) {
    const equation = equations[i] as Equation;
    if (!equation.outputs.some((output) => needed.has(output.id))) continue;
    for (const input of varied(equation)) if (input.kind === 'value') needed.add(input.id);
    upstream.push(equation);
  }
  const reached = new Set(xs);
  return upstream.reverse().filter((equation) => {
    if (!varied(equation).some((input) => input.kind === 'value' && reached.has(input.id))) return false;
    for (const output of equation.outputs) reached.add(output.id);
    return true;
  });
}

/** The inputs whose tangents matter: for a custom derivative not how its values came about, nor its residuals. */
function varied(equation: Equation): readonly Atom[] {
  if (equation.type !== 'call') return equation.inputs;
  const { args, closures } = callParts(equation);
  return [...args, ...closures];
}

/** Whether `y` was computed from any of `xs` by the equations of the open trace. Nothing depends on a constant. */
export function dependsOn(y: Tensor, xs: readonly Tensor[]): boolean {
  const trace = currentTrace() as Trace;
  const reached = new Set(xs.flatMap((x) => idsIn(trace.atom(x))));
  for (const equation of trace.equations) {
    if (uses(equation, reached)) for (const output of equation.outputs) reached.add(output.id);
  }
  const atom = trace.atom(y);
  return atom.kind === 'value' && reached.has(atom.id);
}

function uses(equation: Equation, values: ReadonlySet<number>): boolean {
  return equation.inputs.some((input) => input.kind === 'value' && values.has(input.id));
}

/** Records the tangents of `ys`, given those of some values; null where a value does not depend on them. */
export function pushForward(
  trace: Trace,
  equations: readonly Equation[],
  tangents: Slots,
  ys: readonly Atom[],
  mode: Mode,
): (Tensor | null)[] {
  const tangentOf = (atom: Atom): Tensor | null => (atom.kind === 'value' ? (tangents.get(atom.id) ?? null) : null);
  for (const equation of between(equations, new Set(tangents.keys()), ys)) {
    const incoming = equation.inputs.map(tangentOf);
    if (incoming.every((tangent) => tangent === null)) continue;
    const outgoing = equationTangents(trace, equation, incoming, tangentOf, mode);
    equation.outputs.forEach((output, i) => {
      const tangent = outgoing[i];
      if (tangent !== null && tangent !== undefined && output.dtype === 'float32') tangents.set(output.id, tangent);
    });
  }
  return ys.map(tangentOf);
}

function equationTangents(
  trace: Trace,
  equation: Equation,
  tangents: readonly (Tensor | null)[],
  tangentOf: (atom: Atom) => Tensor | null,
  mode: Mode,
): (Tensor | null)[] {
  switch (equation.type) {
    case 'kernel':
      return [kernelTangent(trace, equation, tangents)];
    case 'call':
      return callTangents(trace, equation, tangentOf, mode);
    case 'scan':
      return scanTangents(trace, equation, tangents, mode);
  }
}

function kernelTangent(trace: Trace, equation: KernelEquation, tangents: readonly (Tensor | null)[]): Tensor | null {
  const { derivative } = ruleOf(equation.kernel, 'derivative');
  if (derivative === 'zero') return null;
  const inputs = equation.inputs.map((atom) => trace.tensor(atom));
  const output = trace.tensor(equation.outputs[0] as Value);
  const { attributes, kernel } = equation;
  if (derivative.jvp !== undefined) return derivative.jvp(tangents, inputs, output, attributes);
  if (derivative.partials !== undefined) {
    let total: Tensor | null = null;
    derivative.partials.forEach((partial, i) => {
      const tangent = tangents[i];
      if (partial === null || tangent === null || tangent === undefined) return;
      const term =
        typeof partial === 'number' ? scaled(tangent, partial) : mul(partial(inputs, output, attributes), tangent);
      total = total === null ? term : add(total, term);
    });
    return total === null ? null : broadcastTo(total, output.shape);
  }
  if (derivative.multilinear) {
    let total: Tensor | null = null;
    tangents.forEach((tangent, i) => {
      if (tangent === null) return;
      const term = record(
        kernel,
        inputs.map((input, j) => (j === i ? tangent : input)),
        attributes,
      );
      total = total === null ? term : add(total, term);
    });
    return total;
  }
  // Linear in its float32 inputs together: of a condition or of indices there is no tangent.
  if (kernel === 'Cast' && output.dtype !== 'float32') return null;
  const replaced = inputs.map((input, i) => tangents[i] ?? (input.dtype === 'float32' ? zerosLike(input) : input));
  return record(kernel, replaced, attributes);
}

function scaled(tangent: Tensor, factor: number): Tensor {
  return factor === 1 ? tangent : factor === -1 ? record('Neg', [tangent]) : mul(tangent, factor);
}

interface CallParts {
  readonly args: readonly Atom[];
  readonly closures: readonly Atom[];
  /** Those that are the call's own values are taken after it, so that their derivative is the custom one. */
  readonly residuals: readonly Atom[];
}

function callParts(equation: CallEquation): CallParts {
  const count = equation.outputs.length;
  const values = equation.inputs.slice(0, count);
  const rest = equation.inputs.slice(count);
  const residuals = rest.slice(equation.arguments + equation.closures).map((residual) => {
    const index = values.findIndex((v) => v.kind === 'value' && residual.kind === 'value' && v.id === residual.id);
    return index < 0 ? residual : (equation.outputs[index] as Value);
  });
  return {
    args: rest.slice(0, equation.arguments),
    closures: rest.slice(equation.arguments).slice(0, equation.closures),
    residuals,
  };
}

function callTangents(
  trace: Trace,
  equation: CallEquation,
  tangentOf: (atom: Atom) => Tensor | null,
  mode: Mode,
): (Tensor | null)[] {
  const { args, closures, residuals } = callParts(equation);
  if (closures.some((atom) => tangentOf(atom) !== null)) {
    throw new Error(
      `${equation.name}: the function uses a value that is differentiated and is not one of its arguments, so the derivative would lack that part. Pass the value as an argument.`,
    );
  }
  const incoming = args.map(tangentOf);
  if (incoming.every((tangent) => tangent === null)) return equation.outputs.map(() => null);
  const tangents = incoming.map((tangent, i) => tangent ?? zerosLike(trace.tensor(args[i] as Atom)));
  const saved = residuals.map((atom) => trace.tensor(atom));
  if (equation.direction === 'forward') return inlineProgram(equation.derivative, [...tangents, ...saved]);
  if (mode === 'reverse') {
    const outputs = equation.outputs.map(newValue);
    const inputs = [...tangents, ...saved].map((tensor) => trace.atom(tensor));
    trace.equations.push({ ...equation, direction: 'transposed', closures: 0, inputs, outputs });
    return outputs.map((value) => trace.tensor(value));
  }
  // Forward mode through a reverse rule: the transpose of the rule, which must be linear for that.
  const cotangents = equation.outputs.map((value) => trace.tensor(newValue(value)));
  const start = trace.equations.length;
  const results = inlineProgram(equation.derivative, [...cotangents, ...saved]);
  try {
    return transpose(trace, start, cotangents, results, tangents).map(
      (tangent, i) => tangent ?? zerosLike(trace.tensor(equation.outputs[i] as Value)),
    );
  } catch (error) {
    throw new Error(
      `the custom derivative of ${equation.name} is not linear in its cotangent, so it has no forward mode; define the function with customJvp instead (${(error as Error).message})`,
    );
  }
}

/**
 * Transposes the equations recorded since `start` that depend on `xs`, in which they must be linear: the cotangents of `xs` for
 * `cotangents` of `ys`, null where zero. Those equations are taken out of the trace; what they need of others stays.
 */
export function transpose(
  trace: Trace,
  start: number,
  xs: readonly Tensor[],
  ys: readonly (Tensor | null)[],
  cotangents: readonly Tensor[],
): (Tensor | null)[] {
  const linear = takeLinear(trace, start, xs);
  return transposeEquations(trace, linear, xs, ys, cotangents);
}

/** Takes the equations since `start` that depend on `xs` out of the trace. */
export function takeLinear(trace: Trace, start: number, xs: readonly Tensor[]): Equation[] {
  const dependent = new Set(xs.map((x) => valueId(trace, x)));
  const linear: Equation[] = [];
  const others: Equation[] = [];
  for (const equation of trace.equations.splice(start)) {
    if (uses(equation, dependent)) {
      linear.push(equation);
      for (const output of equation.outputs) dependent.add(output.id);
    } else {
      others.push(equation);
    }
  }
  trace.equations.push(...others);
  return linear;
}

function transposeEquations(
  trace: Trace,
  linear: readonly Equation[],
  xs: readonly Tensor[],
  ys: readonly (Tensor | null)[],
  cotangents: readonly Tensor[],
): (Tensor | null)[] {
  const dependent = new Set(xs.map((x) => valueId(trace, x)));
  for (const equation of linear) for (const output of equation.outputs) dependent.add(output.id);
  const accumulated: Slots = new Map();
  const accumulate = (atom: Atom, cotangent: Tensor): void => {
    if (atom.kind !== 'value' || !dependent.has(atom.id)) return;
    const sum = accumulated.get(atom.id);
    accumulated.set(atom.id, sum === undefined ? cotangent : add(sum, cotangent));
  };
  ys.forEach((y, i) => {
    if (y !== null) accumulate(trace.atom(y), sumTo(cotangents[i] as Tensor, y.shape));
  });
  for (let i = linear.length - 1; i >= 0; i--) {
    const equation = linear[i] as Equation;
    const incoming = equation.outputs.map((output) => accumulated.get(output.id));
    if (incoming.every((cotangent) => cotangent === undefined)) continue;
    for (const output of equation.outputs) accumulated.delete(output.id);
    if (equation.type === 'call' && equation.direction === 'transposed') {
      const full = equation.outputs.map((output, k) => incoming[k] ?? zerosLike(trace.tensor(output)));
      const residuals = equation.inputs.slice(equation.arguments).map((atom) => trace.tensor(atom));
      const parts = inlineProgram(equation.derivative, [...full, ...residuals]);
      for (const [k, part] of parts.entries()) accumulate(equation.inputs[k] as Atom, part);
      continue;
    }
    if (equation.type === 'scan') {
      const linear = equation.inputs.map((atom) => atom.kind === 'value' && dependent.has(atom.id));
      transposeScan(trace, equation, linear, incoming).forEach((part, k) => {
        if (part !== null) accumulate(equation.inputs[k] as Atom, part);
      });
      continue;
    }
    if (equation.type !== 'kernel') throw new Error(`the ${equation.name} equation is not linear`);
    transposeKernel(trace, equation, dependent, incoming[0] as Tensor, accumulate);
  }
  return xs.map((x) => accumulated.get(valueId(trace, x)) ?? null);
}

function transposeKernel(
  trace: Trace,
  equation: KernelEquation,
  dependent: ReadonlySet<number>,
  cotangent: Tensor,
  accumulate: (atom: Atom, cotangent: Tensor) => void,
): void {
  const { derivative } = ruleOf(equation.kernel, 'reverse mode');
  const positions = equation.inputs.flatMap((atom, i) => (atom.kind === 'value' && dependent.has(atom.id) ? [i] : []));
  const rule = derivative === 'zero' ? undefined : derivative.transpose;
  const linear =
    rule !== undefined && (positions.length === 1 || !(derivative as { multilinear?: boolean }).multilinear);
  if (!linear) throw new Error(`the kernel ${equation.kernel} is not linear in its input`);
  const inputs = equation.inputs.map((atom) => trace.tensor(atom));
  for (const i of positions) {
    const part = rule(i, cotangent, inputs, equation.attributes);
    if (part === null) throw new Error(`the kernel ${equation.kernel} is not linear in its input ${i}`);
    accumulate(equation.inputs[i] as Atom, part);
  }
}

function idsIn(atom: Atom): readonly number[] {
  return atom.kind === 'value' ? [atom.id] : [];
}

function valueId(trace: Trace, x: Tensor): number {
  const atom = trace.atom(x);
  if (atom.kind !== 'value') throw new Error('a constant cannot be differentiated with respect to');
  return atom.id;
}

/** Symbolic tangents of `xs`. */
export function symbolsLike(trace: Trace, xs: readonly { readonly shape: readonly number[] }[]): Tensor[] {
  return xs.map((x) => trace.tensor(newValue({ shape: x.shape, dtype: 'float32' })));
}

/**
 * Cotangents of `xs` for `cotangents` of `ys`, which were computed from `xs` by the equations recorded since `start`; null where `ys` do
 * not depend on it.
 */
export function pullBack(
  trace: Trace,
  start: number,
  xs: readonly Tensor[],
  ys: readonly Tensor[],
  cotangents: readonly Tensor[],
): (Tensor | null)[] {
  const equations = trace.equations.slice(start);
  const mark = trace.equations.length;
  const seeds = symbolsLike(trace, xs);
  const tangents: Slots = new Map(xs.map((x, i) => [valueId(trace, x), seeds[i] as Tensor]));
  const outgoing = pushForward(
    trace,
    equations,
    tangents,
    ys.map((y) => trace.atom(y)),
    'reverse',
  );
  return transpose(trace, mark, seeds, outgoing, cotangents);
}
