/** Loops within programs: recorded, linearised, transposed and batched. */

import {
  currentTrace,
  literal,
  newValue,
  type Program,
  removeDeadCode,
  type ScanEquation,
  type Trace,
  trace as traceProgram,
  type Value,
} from '@posteriors/backend';
import { add, type Tensor } from '@tensorflow/tfjs-core';
import { type Mode, symbolsLike, transpose } from './differentiate.ts';
import { hooks } from './hooks.ts';
import { inlineBatched, inlineProgram, type Operand } from './inline.ts';
import { type LinearPart, linearPart } from './linear-part.ts';
import { ensureBatched, moveAxis, zerosLike } from './shapes.ts';

/** A loop and what it runs on. The body maps `[constants, carry, x]` to `[carry, y]`. */
export interface Loop {
  readonly body: Program<Tensor>;
  readonly length: number;
  readonly reverse: boolean;
  readonly constants: readonly Tensor[];
  readonly carry: readonly Tensor[];
  readonly xs: readonly Tensor[];
}

/** Records a loop; returns the last carry and each `y` stacked. */
export function recordScan(loop: Loop): Tensor[] {
  const trace = currentTrace() as Trace;
  const equation = scanEquation(trace, loop);
  trace.equations.push(equation);
  return equation.outputs.map((output) => trace.tensor(output));
}

/** What the body captured becomes constants of the loop. */
function scanEquation(trace: Trace, { body, length, reverse, constants, carry, xs }: Loop): ScanEquation {
  const captured = [...constants, ...body.constants.map(({ source }) => source)];
  const program: Program = {
    ...body,
    inputs: [
      ...body.inputs.slice(0, constants.length),
      ...body.constants.map(({ value }) => value),
      ...body.inputs.slice(constants.length),
    ],
    constants: [],
  };
  return {
    type: 'scan',
    body: program,
    length,
    constants: captured.length,
    carry: carry.length,
    reverse,
    inputs: [...captured, ...carry, ...xs].map((tensor) => trace.atom(tensor)),
    outputs: body.outputs.map(({ shape, dtype }, i) =>
      newValue({ shape: i < carry.length ? shape : [length, ...shape], dtype }),
    ),
  };
}

interface Roles<T> {
  readonly constants: readonly T[];
  readonly carry: readonly T[];
  readonly xs: readonly T[];
}

/** Splits what is listed for each input of a loop by the role of the input. */
function byRole<T>({ constants, carry }: ScanEquation, items: readonly T[]): Roles<T> {
  const [constantItems, carryItems, xs] = split(items, [constants, carry]) as [T[], T[], T[]];
  return { constants: constantItems, carry: carryItems, xs };
}

/** Splits a list into parts of these lengths and the rest. */
function split<T>(items: readonly T[], lengths: readonly number[]): T[][] {
  const rest = items.values();
  const parts = lengths.map((length) => Array.from({ length }, () => rest.next().value as T));
  return [...parts, [...rest]];
}

/** Repeats `attempt` until every mark that leaves an iteration also enters it: a carry that is marked once is marked always. */
function untilStable<T>(
  entering: readonly boolean[],
  attempt: (entering: readonly boolean[]) => { readonly leaving: readonly boolean[]; readonly result: T },
): { readonly carry: readonly boolean[]; readonly result: T } {
  const { leaving, result } = attempt(entering);
  const carry = entering.map((mark, i) => mark || (leaving[i] as boolean));
  return carry.every((mark, i) => mark === entering[i]) ? { carry, result } : untilStable(carry, attempt);
}

/**
 * Tangents of what a loop returns. The loop is replaced by one that also stacks what its derivative needs, so that nothing is computed
 * again, and a linear loop over that is recorded.
 */
export function scanTangents(
  trace: Trace,
  equation: ScanEquation,
  tangents: readonly (Tensor | null)[],
  mode: Mode,
): (Tensor | null)[] {
  const given = byRole(equation, tangents);
  const moves = (tangent: Tensor | null): boolean => tangent !== null;
  const { carry: moving, result } = untilStable(given.carry.map(moves), (carry) => {
    const moved = [...given.constants.map(moves), ...carry, ...given.xs.map(moves)];
    const linearized = linearizeBody(equation, moved, mode);
    return { leaving: linearized.part.outputs.map((output) => output !== null), result: linearized };
  });
  const { body, part, fixed, stacked } = result;

  const operands = byRole(
    equation,
    equation.inputs.map((atom) => trace.tensor(atom)),
  );
  const { length, reverse } = equation;
  const whole = scanEquation(trace, { body, length, reverse, ...operands });
  const outputs = [...equation.outputs, ...whole.outputs.slice(equation.outputs.length)];
  trace.equations[trace.equations.indexOf(equation)] = { ...whole, outputs };
  const saved = outputs.slice(equation.outputs.length).map((value) => trace.tensor(value));

  const present = (list: readonly (Tensor | null)[]): Tensor[] => list.filter((tangent) => tangent !== null);
  const constants = present(given.constants);
  const carry = operands.carry.flatMap((x, i) => (moving[i] ? [given.carry[i] ?? zerosLike(x)] : []));
  const [constantSeeds, carrySeeds, xSeeds] = split(part.seeds, [constants.length, carry.length]) as Value[][];
  // Which outputs have a tangent, and the outputs of the linear body.
  const kept = part.outputs.map((output, i) => (i < equation.carry ? (moving[i] as boolean) : output !== null));
  const results = part.outputs.flatMap((output, i) =>
    kept[i] ? [output ?? literal(0, 'float32', (equation.body.outputs[i] as Value).shape)] : [],
  );
  if (results.length === 0) return kept.map(() => null);
  const linear = recordScan({
    body: {
      inputs: [...constantSeeds!, ...fixed.outputs, ...carrySeeds!, ...xSeeds!, ...stacked] as Value[],
      constants: [],
      equations: part.equations,
      outputs: results,
    },
    length,
    reverse,
    constants: [...constants, ...inlineProgram(fixed, operands.constants)],
    carry,
    xs: [...present(given.xs), ...saved],
  });
  let next = 0;
  return kept.map((keep) => (keep ? (linear[next++] as Tensor) : null));
}

interface LinearizedBody {
  /** The body, which also returns what is stacked. */
  readonly body: Program<Tensor>;
  readonly part: LinearPart;
  /** What the linear part needs of each iteration. */
  readonly stacked: readonly Value[];
  /** What it needs that is the same in all iterations, computed from the constants of the loop. */
  readonly fixed: Program;
}

function linearizeBody(equation: ScanEquation, moved: readonly boolean[], mode: Mode): LinearizedBody {
  let linearized: Omit<LinearizedBody, 'body'> | undefined;
  const body = traceProgram(
    (symbols) => {
      const trace = currentTrace() as Trace;
      const outputs = inlineProgram(equation.body, symbols);
      const xs = symbols.filter((_, i) => moved[i]);
      const part = linearPart(trace, trace.equations.slice(), xs, outputs, mode);

      const constants = trace.inputs.slice(0, equation.constants);
      const invariant = new Set(constants.map(({ id }) => id));
      const equations = trace.equations.filter(({ inputs, outputs }) => {
        if (!inputs.every((input) => input.kind === 'literal' || invariant.has(input.id))) return false;
        for (const { id } of outputs) invariant.add(id);
        return true;
      });
      const stacked = part.residuals.filter(({ id }) => !invariant.has(id));
      const needed = part.residuals.filter(({ id }) => invariant.has(id));
      const fixed = removeDeadCode({ inputs: constants, constants: [], equations, outputs: needed });
      linearized = { part, stacked, fixed };
      return [...outputs, ...stacked.map((value) => trace.tensor(value))];
    },
    equation.body.inputs,
    hooks,
  );
  return { body, ...(linearized as unknown as Omit<LinearizedBody, 'body'>) };
}

/**
 * Cotangents of the inputs of a linear loop, null for those that are not `linear`: a loop the other way round, which carries the
 * cotangents of the carry and adds up those of linear constants.
 */
export function transposeScan(
  trace: Trace,
  equation: ScanEquation,
  linear: readonly boolean[],
  cotangents: readonly (Tensor | undefined)[],
): (Tensor | null)[] {
  const { body, carry: carried, constants, length, reverse } = equation;
  const isCarry = (i: number): boolean => i >= constants && i < constants + carried;
  const follows = equation.inputs.map((_, i) => isCarry(i) || (linear[i] as boolean));
  if (equation.inputs.some(({ dtype }, i) => isCarry(i) && dtype !== 'float32')) {
    throw new Error('scan: a loop that carries integers beside values in which it is linear cannot be transposed');
  }
  const operands = byRole(
    equation,
    equation.inputs.map((atom) => trace.tensor(atom)),
  );
  const avals = byRole(equation, body.inputs);
  const marks = byRole(equation, follows);
  const chosen = <T>(items: readonly T[], marked: readonly boolean[], as: boolean): T[] =>
    items.filter((_, i) => marked[i] === as);
  const sums = chosen(operands.constants, marks.constants, true);
  const fixed = chosen(operands.constants, marks.constants, false);
  const saved = chosen(operands.xs, marks.xs, false);
  // The stacked results that have a cotangent.
  const used = body.outputs.flatMap((_, i) => (i >= carried && cotangents[i] !== undefined ? [i] : []));

  const pulled = traceProgram(
    (symbols) => {
      const inner = currentTrace() as Trace;
      const [constant, totals, carry, ys, slices] = split(symbols, [
        fixed.length,
        sums.length,
        carried,
        used.length,
      ]) as [Tensor[], Tensor[], Tensor[], Tensor[], Tensor[]];
      const seeds = symbolsLike(
        inner,
        body.inputs.filter((_, i) => follows[i]),
      );
      const start = inner.equations.length;
      const [seed, other] = [seeds.values(), [...constant, ...slices].values()];
      const results = inlineProgram(
        body,
        body.inputs.map((_, i) => (follows[i] ? seed : other).next().value as Tensor),
      );
      const ends = [...results.slice(0, carried), ...used.map((i) => results[i] as Tensor)];
      const parts = transpose(inner, start, seeds, ends, [...carry, ...ys]);
      return parts.map((part, i) => {
        const total = totals[i];
        if (total !== undefined) return part === null ? total : add(total, part);
        return part ?? zerosLike(seeds[i] as Tensor);
      });
    },
    [
      ...chosen(avals.constants, marks.constants, false),
      ...chosen(avals.constants, marks.constants, true),
      ...avals.carry,
      ...used.map((i) => body.outputs[i] as Value),
      ...chosen(avals.xs, marks.xs, false),
    ],
    hooks,
  );
  const results = recordScan({
    body: pulled,
    length,
    reverse: !reverse,
    constants: fixed,
    carry: [
      ...sums.map(zerosLike),
      ...equation.outputs.slice(0, carried).map((output, i) => cotangents[i] ?? zerosLike(trace.tensor(output))),
    ],
    xs: [...used.map((i) => cotangents[i] as Tensor), ...saved],
  }).values();
  return follows.map((linear) => (linear ? (results.next().value as Tensor) : null));
}

/** Records a loop once for a batch of `size` examples, which batched inputs carry on axis 0, as batched outputs do. */
export function batchScan(equation: ScanEquation, inputs: readonly Operand[], size: number): Operand[] {
  const { body, length, reverse } = equation;
  const given = byRole(equation, inputs);
  const tensors = (operands: readonly Operand[]): Tensor[] => operands.map(({ tensor }) => tensor);
  const marks = (operands: readonly Operand[]): boolean[] => operands.map(({ batched }) => batched);
  if (!inputs.some(({ batched }) => batched)) {
    const [constants, carry, xs] = [given.constants, given.carry, given.xs].map(tensors) as [
      Tensor[],
      Tensor[],
      Tensor[],
    ];
    const same = body as Program<Tensor>;
    return recordScan({ body: same, length, reverse, constants, carry, xs }).map((tensor) => ({
      tensor,
      batched: false,
    }));
  }
  // Slices are taken along axis 0, so that a batch of them has to come second.
  const xs = given.xs.map(({ tensor, batched }) => (batched ? moveAxis(tensor, 0, 1) : tensor));
  const { carry, result } = untilStable(marks(given.carry), (carried) => {
    const batched = [...marks(given.constants), ...carried, ...marks(given.xs)];
    let leaving: boolean[] = [];
    const program = traceProgram(
      (symbols) => {
        const operands = symbols.map((tensor, i) => ({ tensor, batched: batched[i] as boolean }));
        const results = inlineBatched(body, operands, size);
        leaving = marks(results);
        return results.map(({ tensor }, i) => ensureBatched(tensor, leaving[i] || carried[i] !== true, size));
      },
      body.inputs.map(({ shape, dtype }, i) => ({ shape: batched[i] ? [size, ...shape] : shape, dtype })),
      hooks,
    );
    return { leaving, result: { program, leaving } };
  });
  const outputs = recordScan({
    body: result.program,
    length,
    reverse,
    constants: tensors(given.constants),
    carry: given.carry.map(({ tensor, batched }, i) => ensureBatched(tensor, batched || !carry[i], size)),
    xs,
  });
  return outputs.map((tensor, i) => {
    if (i < equation.carry) return { tensor, batched: carry[i] as boolean };
    const batched = result.leaving[i] as boolean;
    return { tensor: batched ? moveAxis(tensor, 1, 0) : tensor, batched };
  });
}
