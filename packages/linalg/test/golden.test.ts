// PyTorch's numbers: values and first and second derivatives, in float64 and on the devices.
import '@posteriors/backend/cpu';
import '@posteriors/backend/wasm';
import { grad, jvp } from '@posteriors/autodiff';
import { type Program, setBackend } from '@posteriors/backend';
import { interpret, type NdArray } from '@posteriors/interpreter';
import '@posteriors/testing';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import {
  cholesky,
  choleskyInverse,
  choleskySolve,
  eigh,
  logDeterminant,
  qr,
  svd,
  type TriangularSolveOptions,
  triangularSolve,
} from '../src/index.ts';
import { largest, programOf, runOnDevice } from './float64.ts';
import golden from './golden/linalg.json' with { type: 'json' };

type Tensor = tf.Tensor;
type Function = (xs: readonly Tensor[]) => readonly Tensor[];

const solve =
  (options: TriangularSolveOptions): Function =>
  ([l, b]) => [triangularSolve(l!, b!, options)];

const functions: { readonly [name: string]: Function } = {
  cholesky: ([a]) => [cholesky(a!)],
  logDeterminant: ([a]) => [logDeterminant(a!)],
  'triangularSolve lower': solve({}),
  'triangularSolve lower transposed': solve({ transpose: true }),
  'triangularSolve upper': solve({ lower: false }),
  'triangularSolve upper transposed': solve({ lower: false, transpose: true }),
  choleskySolve: ([l, b]) => [choleskySolve(l!, b!)],
  choleskyInverse: ([l]) => [choleskyInverse(l!)],
  eigh: ([a]) => Object.values(eigh(a!)),
  qr: ([a]) => Object.values(qr(a!)),
  svd: ([a]) => Object.values(svd(a!)),
};

interface Listed {
  readonly shape: readonly number[];
  readonly values: readonly number[];
}
interface Golden {
  readonly function: string;
  readonly inputs: readonly Listed[];
  readonly values: readonly Listed[];
  readonly weights?: readonly Listed[];
  readonly directions?: readonly Listed[];
  readonly gradients?: readonly Listed[];
  readonly hessianProducts?: readonly Listed[];
}

const cases: readonly Golden[] = golden.cases;

const float32 = ({ shape, values }: Listed): NdArray => ({ shape, values: Float64Array.from(values, Math.fround) });

interface Checked {
  readonly program: Program<Tensor>;
  readonly inputs: readonly NdArray[];
  readonly expected: readonly Listed[];
}

function programOfCase({ function: name, inputs, values, weights, directions, ...rest }: Golden): Checked {
  const f = functions[name]!;
  const count = inputs.length;
  const all = [...inputs, ...(weights ?? []), ...(directions ?? [])].map(float32);
  const program = programOf(
    (tensors) => {
      const xs = tensors.slice(0, count);
      if (weights === undefined) return f(xs);
      const ws = tensors.slice(count, count + weights.length);
      const vs = tensors.slice(count + weights.length);
      const loss = (at: Tensor[]): Tensor =>
        f(at)
          .map((y, i) => tf.sum(tf.mul(y, ws[i]!)))
          .reduce((a, b) => tf.add(a, b));
      return [...f(xs), ...grad(loss)(xs), ...jvp(grad(loss), [xs], [vs])[1]];
    },
    all.map(({ shape }) => shape),
  );
  return { program, inputs: all, expected: [...values, ...(rest.gradients ?? []), ...(rest.hessianProducts ?? [])] };
}

const table = cases.map((each) => {
  const name = `${each.function} ${each.inputs.map(({ shape }) => `[${shape}]`).join(' ')}`;
  return [name, programOfCase(each), each.values.length] as const;
});

test('every function has golden numbers', () => {
  expect([...new Set(cases.map((each) => each.function))].sort()).toEqual(Object.keys(functions).sort());
});

describe('float64', () => {
  test.each(table)('%s', (_, { program, inputs, expected }) => {
    interpret(program, inputs).forEach(({ shape, values }, i) => {
      expect(shape).toEqual(expected[i]!.shape);
      // The golden numbers have ten digits.
      const atol = 1e-8 * largest(expected[i]!.values);
      expect(values).toBeAllClose(expected[i]!.values, { rtol: 0, atol });
    });
  });
});

describe.each(['cpu', 'wasm'] as const)('%s', (device) => {
  test.each(table)('%s', async (_, { program, inputs, expected }, values) => {
    await setBackend(device);
    runOnDevice(program, inputs).forEach((received, i) => {
      // Values are computed in float64 and rounded, once or in a short composition; derivatives are float32 throughout.
      const atol = (i < values ? 1e-6 : 1e-4) * largest(expected[i]!.values);
      expect(received).toBeAllClose(expected[i]!.values, { rtol: 0, atol });
    });
  });
});
