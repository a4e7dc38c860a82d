import { type Constant, type Equation, newValue, type Program, type ScanEquation, type Value } from '../program.ts';

/** Programs whose loops read nothing from outside of their inputs: what their bodies capture, the program captures in their place. */
export function liftConstants<Source>(program: Program<Source>): Program<Source> {
  const constants = [...program.constants];
  const captured = ({ value, source }: Constant<Source>): Value => {
    const known = constants.find((other) => other.source === source)?.value;
    if (known !== undefined) return known;
    const lifted = newValue(value);
    constants.push({ value: lifted, source });
    return lifted;
  };
  const closed = (equation: ScanEquation): ScanEquation => {
    const body = liftConstants(equation.body as Program<Source>);
    if (body.constants.length === 0) return { ...equation, body };
    return {
      ...equation,
      body: { ...body, inputs: [...body.constants.map(({ value }) => value), ...body.inputs], constants: [] },
      constants: body.constants.length + equation.constants,
      inputs: [...body.constants.map(captured), ...equation.inputs],
    };
  };
  if (program.equations.every(({ type }) => type !== 'scan')) return program;
  const equations = program.equations.map(
    (equation): Equation => (equation.type === 'scan' ? closed(equation) : equation),
  );
  return { ...program, equations, constants };
}
