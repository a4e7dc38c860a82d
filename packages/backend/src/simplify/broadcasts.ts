import { kernelEquation as kernel } from '../equations.ts';
import { broadcastShape, isElementwise } from '../kernels.ts';
import {
  type Atom,
  type KernelEquation,
  literal,
  newValue,
  type Program,
  sameShape,
  sizeOf,
  type Value,
} from '../program.ts';
import { uniformValue } from './constants.ts';
import { rewriteKernels } from './rewrite.ts';

/**
 * Lets kernels that broadcast their operands take them before an explicit broadcast, and computes what is the same along an axis once: an
 * elementwise kernel of broadcasts is the broadcast of a smaller one.
 */
export function absorbBroadcasts<Source>(program: Program<Source>): Program<Source> {
  const sources = new Map<number, Atom>();
  /** What broadcasts to an atom. */
  const source = (atom: Atom): Atom => {
    if (atom.kind === 'value') return sources.get(atom.id) ?? atom;
    const value = sizeOf(atom.shape) === 1 ? undefined : uniformValue(atom);
    return value === undefined ? atom : literal(value, atom.dtype);
  };
  return rewriteKernels(program, (equation) => {
    const result = equation.outputs[0] as Value;
    const [x] = equation.inputs as [Atom];
    if (equation.kernel === 'BroadcastTo' || addsAxes(equation)) {
      const from = source(x);
      sources.set(result.id, from);
      return broadcast(from, result);
    }
    if (!isElementwise(equation.kernel)) return equation;
    const inputs = equation.inputs.map(source);
    // Of a choice the three inputs must have one shape.
    if (equation.kernel === 'Select' && !inputs.every(({ shape }) => sameShape(shape, inputs[0]!.shape)))
      return equation;
    const shape = inputs.reduce<readonly number[]>((sum, input) => broadcastShape(sum, input.shape), []);
    if (sameShape(shape, result.shape)) return { ...equation, inputs };
    if (sizeOf(result.shape) === 0) return equation;
    const small = newValue({ shape, dtype: result.dtype });
    sources.set(result.id, small);
    return [{ ...equation, inputs, outputs: [small] }, broadcast(small, result)];
  });
}

/** Whether an equation only puts axes of length 1 in front. */
function addsAxes({ kernel, inputs, outputs }: KernelEquation): boolean {
  const [from, to] = [inputs[0]?.shape ?? [], outputs[0]!.shape];
  return kernel === 'Reshape' && from.length < to.length && sameShape(to, [...to.slice(from.length).fill(1), ...from]);
}

function broadcast(from: Atom, to: Value): KernelEquation {
  const name = sizeOf(from.shape) === sizeOf(to.shape) ? 'Reshape' : 'BroadcastTo';
  return kernel(name, [from], { shape: to.shape }, to);
}
