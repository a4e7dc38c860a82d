import type { Atom, Equation, Trace, Value } from '@posteriors/backend';
import type { Tensor } from '@tensorflow/tfjs-core';
import { type Mode, pushForward, symbolsLike, takeLinear } from './differentiate.ts';

/** The derivative of some equations as equations of their own. */
export interface LinearPart {
  /** Symbolic tangents of the inputs. */
  readonly seeds: readonly Value[];
  readonly equations: readonly Equation[];
  /** Tangents of the outputs; null where they are zero. */
  readonly outputs: readonly (Atom | null)[];
  /** Values of the trace that the equations need. */
  readonly residuals: readonly Value[];
}

/** Linearises `equations`, which compute `ys` from `xs`; the linear part is taken out of the trace. */
export function linearPart(
  trace: Trace,
  equations: readonly Equation[],
  xs: readonly Tensor[],
  ys: readonly Tensor[],
  mode: Mode,
): LinearPart {
  const mark = trace.equations.length;
  const placed = symbolsLike(trace, xs);
  const seeds = placed.map((seed) => trace.atom(seed) as Value);
  const tangents = new Map(xs.map((x, i) => [(trace.atom(x) as Value).id, placed[i] as Tensor]));
  const outgoing = pushForward(
    trace,
    equations,
    tangents,
    ys.map((y) => trace.atom(y)),
    mode,
  );
  const linear = takeLinear(trace, mark, placed);
  const outputs = outgoing.map((tangent) => (tangent === null ? null : trace.atom(tangent)));

  const defined = new Set([...seeds, ...linear.flatMap((equation) => equation.outputs)].map(({ id }) => id));
  const residuals = new Map<number, Value>();
  for (const atom of [...linear.flatMap((equation) => equation.inputs), ...outputs]) {
    if (atom?.kind === 'value' && !defined.has(atom.id)) residuals.set(atom.id, atom);
  }
  return { seeds, equations: linear, outputs, residuals: [...residuals.values()] };
}
