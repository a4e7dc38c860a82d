import type { Program, ScanEquation, Value } from '../program.ts';
import { removeDeadCode } from './dead-code.ts';

/** The loop without what no live output needs: results that are stacked, carries, and what these are computed from. */
export function pruneScan(equation: ScanEquation, isLive: (output: Value) => boolean): ScanEquation {
  const { body, constants, carry } = equation;
  const live = equation.outputs.map(isLive);
  // A carry is needed where it is an output, or where an iteration needs it for anything that is kept.
  let kept: readonly boolean[] = live;
  let pruned: Program = body;
  let used = new Set<number>();
  for (let before = -1; before !== kept.filter(Boolean).length; ) {
    before = kept.filter(Boolean).length;
    pruned = removeDeadCode({ ...body, outputs: body.outputs.filter((_, i) => kept[i]) });
    const read = [...pruned.equations.flatMap(({ inputs }) => inputs), ...pruned.outputs];
    used = new Set(read.flatMap((atom) => (atom.kind === 'value' ? [atom.id] : [])));
    kept = kept.map((keep, i) => keep || (i < carry && used.has((body.inputs[constants + i] as Value).id)));
  }
  const isCarry = (i: number): boolean => i >= constants && i < constants + carry;
  const takes = body.inputs.map(({ id }, i) => (isCarry(i) ? (kept[i - constants] as boolean) : used.has(id)));
  return {
    ...equation,
    body: { ...pruned, inputs: body.inputs.filter((_, i) => takes[i]) },
    constants: takes.slice(0, constants).filter(Boolean).length,
    carry: kept.slice(0, carry).filter(Boolean).length,
    inputs: equation.inputs.filter((_, i) => takes[i]),
    outputs: equation.outputs.filter((_, i) => kept[i]),
  };
}
