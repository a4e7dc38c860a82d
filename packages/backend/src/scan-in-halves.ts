import { type Atom, type Equation, newValue, type Program, type ScanEquation, type Value } from './program.ts';

/** A scan on webgpu whose slices and rows of integers are halves, as tfjs's kernels cut and stack them as float32 numbers. */
export function scanInHalves(equation: ScanEquation): readonly Equation[] {
  const { body, constants, carry } = equation;
  const isSplit = (atom: Atom, index: number, first: number): boolean => index >= first && atom.dtype === 'int32';
  const halves = (x: Atom): readonly [Value, Value] => [newValue(x), newValue(x)];
  const split = (x: Atom, [high, low]: readonly [Value, Value]): Equation[] => [
    { type: 'kernel', kernel: 'HighHalf', inputs: [x], attributes: {}, outputs: [high] },
    { type: 'kernel', kernel: 'LowHalf', inputs: [x], attributes: {}, outputs: [low] },
  ];
  const join = (parts: readonly [Value, Value], result: Value): Equation => ({
    type: 'kernel',
    kernel: 'FromHalves',
    inputs: parts,
    attributes: {},
    outputs: [result],
  });

  const before: Equation[] = [];
  const inside: Equation[] = [];
  const bodyInputs: Value[] = [];
  const inputs = equation.inputs.flatMap((x, i): readonly Atom[] => {
    const within = body.inputs[i] as Value;
    if (!isSplit(x, i, constants + carry)) {
      bodyInputs.push(within);
      return [x];
    }
    const [outer, inner] = [halves(x), halves(within)];
    before.push(...split(x, outer));
    inside.push(join(inner, within));
    bodyInputs.push(...inner);
    return outer;
  });
  const after: Equation[] = [];
  const last: Equation[] = [];
  const bodyOutputs: Atom[] = [];
  const outputs = equation.outputs.flatMap((y, i): readonly Value[] => {
    const within = body.outputs[i] as Atom;
    if (!isSplit(y, i, carry)) {
      bodyOutputs.push(within);
      return [y];
    }
    const [outer, inner] = [halves(y), halves(within)];
    last.push(...split(within, inner));
    after.push(join(outer, y));
    bodyOutputs.push(...inner);
    return outer;
  });
  const whole: Program = {
    ...body,
    inputs: bodyInputs,
    equations: [...inside, ...body.equations, ...last],
    outputs: bodyOutputs,
  };
  return [...before, { ...equation, body: whole, inputs, outputs }, ...after];
}
