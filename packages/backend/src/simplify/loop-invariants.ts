import { type Atom, type Equation, newValue, type ScanEquation, type Value } from '../program.ts';

/** What repeats elements: outside of a loop they would take memory, where inside of it another kernel reads them where they lie. */
const repeating = new Set(['BroadcastTo', 'Tile', 'Fill']);

/** The equations of a loop of which the result is the same in each iteration, and the loop without them. */
export function takeOutInvariants(loop: ScanEquation): readonly Equation[] {
  if (loop.length === 0) return [loop];
  const { body, constants } = loop;
  const outside = new Map<number, Atom>(
    body.inputs.slice(0, constants).map(({ id }, i) => [id, loop.inputs[i] as Atom] as const),
  );
  const taken: Equation[] = [];
  const made: Value[] = [];
  const kept = body.equations.filter((equation) => {
    const isInvariant = equation.inputs.every((atom) => atom.kind === 'literal' || outside.has(atom.id));
    if (equation.type !== 'kernel' || !isInvariant || repeating.has(equation.kernel)) return true;
    const inputs = equation.inputs.map((atom) => (atom.kind === 'value' ? (outside.get(atom.id) as Atom) : atom));
    const outputs = equation.outputs.map(newValue);
    equation.outputs.forEach((value, i) => {
      outside.set(value.id, outputs[i] as Value);
      made.push(value);
    });
    taken.push({ ...equation, inputs, outputs });
    return false;
  });
  if (taken.length === 0) return [loop];
  const read = new Set([...kept.flatMap(({ inputs }) => inputs), ...body.outputs].map(idOf));
  const needed = made.filter(({ id }) => read.has(id));
  const added = needed.map(({ id }) => outside.get(id) as Atom);
  return [
    ...taken,
    {
      ...loop,
      body: { ...body, inputs: [...needed, ...body.inputs], equations: kept },
      constants: needed.length + constants,
      inputs: [...added, ...loop.inputs],
    },
  ];
}

function idOf(atom: Atom): number | undefined {
  return atom.kind === 'value' ? atom.id : undefined;
}
