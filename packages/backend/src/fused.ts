/** Elementwise equations of one shape, and sums over its last axes, that run as one loop. */
import { type Atom, type KernelEquation, type Literal, sameShape, type Value } from './program.ts';

/** An operand of a statement: an element that is read, what an earlier statement made, or a number. */
export type Operand =
  | { readonly type: 'read'; readonly index: number }
  | { readonly type: 'statement'; readonly index: number }
  | { readonly type: 'constant'; readonly literal: Literal };

export interface Statement {
  /** What is computed; its inputs say of which dtypes. */
  readonly equation: KernelEquation;
  readonly operands: readonly Operand[];
}

/** For each axis of the loop, whether an array has it; along others, one element serves all. */
export type Axes = readonly boolean[];

/**
 * Statements that run for each element of a shape without axes of length 1: elementwise kernels, and sums, maxima and minima over the last axes,
 * whose arrays lack them. `inputs` are read at `reads`; `outputs` are written at `writes`, by the statement of that index.
 */
export interface FusedEquation {
  readonly type: 'fused';
  readonly shape: readonly number[];
  readonly statements: readonly Statement[];
  readonly reads: readonly Axes[];
  readonly writes: readonly { readonly statement: number; readonly axes: Axes }[];
  readonly inputs: readonly Atom[];
  readonly outputs: readonly Value[];
}

/** The axes of a loop: those of a shape but for the ones of length 1. */
export function axesOf(shape: readonly number[]): number[] {
  return shape.filter((length) => length !== 1);
}

/** The axes of a loop over `shape` that an operand has, which broadcasts to it. */
function axesWithin(operand: readonly number[], shape: readonly number[]): Axes {
  const missing = shape.length - operand.length;
  return shape.flatMap((length, axis) => (length === 1 ? [] : [axis >= missing && operand[axis - missing] !== 1]));
}

const reductions = new Set(['Sum', 'Max', 'Min']);

/** The shape of a loop that an equation may be part of; `computes` says which elementwise ones may. */
export function loopShape(
  equation: KernelEquation,
  computes: (equation: KernelEquation) => boolean,
): readonly number[] | undefined {
  const [output] = equation.outputs as readonly [Value];
  const [first] = equation.inputs as readonly [Atom];
  if (reductions.has(equation.kernel)) {
    const kept = axesOfResult(equation);
    const last = kept.every((is, axis) => is || kept[axis + 1] !== true);
    return first.dtype === 'float32' && last ? first.shape : undefined;
  }
  return equation.kernel === 'BroadcastTo' || computes(equation) ? output.shape : undefined;
}

/** The axes of the loop that the result of an equation has; all, unless it is reduced. */
export function axesOfResult(equation: KernelEquation): Axes {
  const [first] = equation.inputs as readonly [Atom];
  const [output] = equation.outputs as readonly [Value];
  if (!reductions.has(equation.kernel)) return axesOf(output.shape).map(() => true);
  const axes = equation.attributes['axis'] as readonly number[];
  return first.shape.flatMap((length, axis) => (length === 1 ? [] : [!axes.includes(axis)]));
}

/** Whether an equation reduces axes of the loop, so that its result is there when the loop over them ends. */
export function reduces(equation: KernelEquation): boolean {
  return reductions.has(equation.kernel) && axesOfResult(equation).includes(false);
}

/** The axes of the loop that an operand of an equation has, which lacks those along which it is repeated. */
export function axesOfOperand(operand: readonly number[], equation: KernelEquation): Axes {
  const [{ shape }] = (reductions.has(equation.kernel) ? equation.inputs : equation.outputs) as readonly [Atom];
  return axesWithin(operand, shape);
}

/** Whether two values have the same elements in the same order, but for axes of length 1. */
export function sameAxes(a: Pick<Value, 'shape'>, b: Pick<Value, 'shape'>): boolean {
  return sameShape(axesOf(a.shape), axesOf(b.shape));
}
