// Every kernel of a program on the devices of the host, against float64.
import '@posteriors/backend/cpu';
import '@posteriors/backend/wasm';
import { currentBackend, kernelNames, kernelSpec, newValue, type Program, setBackend } from '@posteriors/backend';
import { beforeAll, describe, expect, test } from 'vitest';
import { interpret } from '../src/index.ts';
import { cases } from './device-cases.ts';
import './device-cases-elementwise.ts';
import './device-cases-structure.ts';

test('there is a case of every kernel', () => {
  expect([...new Set(cases.map(({ kernel }) => kernel))].sort()).toEqual(kernelNames());
});

describe.each(['cpu', 'wasm'] as const)('on %s', (device) => {
  beforeAll(() => setBackend(device));

  test.each([...new Set(cases.map(({ kernel }) => kernel))])('%s', (kernel) => {
    const failures: string[] = [];
    for (const { avals, attributes, values } of cases.filter((each) => each.kernel === kernel)) {
      const inputs = avals.map(newValue);
      const output = newValue(kernelSpec(kernel)!.shape(inputs, attributes));
      const equation = { type: 'kernel' as const, kernel, inputs, attributes, outputs: [output] };
      const program: Program<never> = { inputs, constants: [], equations: [equation], outputs: [output] };
      const [expected] = interpret(
        program,
        values.map((each, i) => ({ shape: avals[i]!.shape, values: Float64Array.from(each) })),
      );
      const name = `${avals.map(({ shape, dtype }) => `${dtype}[${shape}]`)} ${JSON.stringify(attributes)}`;
      const executable = currentBackend().compile(program);
      try {
        const [result] = executable.run(values);
        const found = Array.from(result!.dataSync());
        const magnitude = expected!.values.reduce(
          (most, x) => (Number.isFinite(x) ? Math.max(most, Math.abs(x)) : most),
          0,
        );
        const tolerance = output.dtype === 'float32' ? 1e-5 * magnitude : 0;
        const equal =
          result!.dtype === output.dtype &&
          String(result!.shape) === String(output.shape) &&
          found.length === expected!.values.length &&
          found.every(
            (x, i) =>
              Object.is(x, expected!.values[i]!) ||
              x === expected!.values[i] ||
              Math.abs(x - expected!.values[i]!) <= tolerance,
          );
        if (!equal)
          failures.push(
            `${name}: ${result!.dtype}[${result!.shape}] ${found} instead of ${output.dtype} ${expected!.values}`,
          );
        result!.dispose();
      } catch (error) {
        failures.push(`${name}: ${error}`);
      }
      executable.dispose();
    }
    expect(failures).toEqual([]);
  });
});
