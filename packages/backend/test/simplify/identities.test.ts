import { expect, test } from 'vitest';
import { type Equation, newValue, type Program, printProgram, record } from '../../src/index.ts';
import { removeIdentities } from '../../src/simplify/identities.ts';
import { float, traceOf } from '../traced.ts';

test('identities: stop-gradient, and values with a derivative of their own', () => {
  const [x, y, r] = [newValue(float(2)), newValue(float(2)), newValue(float(2))];
  const derivative: Program = { inputs: [], constants: [], equations: [], outputs: [] };
  const equations: Equation[] = [
    { type: 'kernel', kernel: 'Exp', inputs: [x], attributes: {}, outputs: [y] },
    {
      type: 'call',
      name: 'mine',
      direction: 'forward',
      derivative,
      arguments: 1,
      closures: 0,
      inputs: [y, x],
      outputs: [r],
    },
  ];
  expect(
    printProgram(removeIdentities({ inputs: [x], constants: [], equations, outputs: [r] })),
  ).toMatchInlineSnapshot(`
    "program(v0: float32[2]) {
      v1: float32[2] = Exp(v0)
      return v1
    }"
  `);
  const stopped = traceOf(
    (x) => [record('StopGradient', [record('StopGradient', [x!])]), record('Identity', [x!])],
    [float(2)],
  );
  expect(removeIdentities(stopped)).toMatchObject({ equations: [], outputs: [stopped.inputs[0], stopped.inputs[0]] });
});
