// Every derivative rule, to the third order: in float64 against differences of the order below, and on the devices against
// float64.
import '@posteriors/backend/cpu';
import '@posteriors/backend/wasm';
import { type Aval, kernelSpec, setBackend, trace } from '@posteriors/backend';
import { interpret } from '@posteriors/interpreter';
import { add, mul, sum, type Tensor } from '@tensorflow/tfjs-core';
import { describe, expect, test } from 'vitest';
import { hooks } from '../src/hooks.ts';
import { grad, jvp, ruleNames, vjp } from '../src/index.ts';
import { cases } from './cases.ts';
import type { Case } from './draws.ts';
import {
  difference,
  directions,
  draw,
  expectClose,
  type Input,
  largest,
  only,
  programOf,
  runOnDevice,
  sizeOf,
  uniforms,
} from './float64.ts';

type Function = (xs: Tensor[]) => Tensor;

const inner = (as: readonly Tensor[], bs: readonly Tensor[]): Tensor =>
  as.map((a, i) => sum(mul(a, bs[i]!))).reduce((a, b) => add(a, b));

/** y + y^2 / 2 + y^3 / 8: what is linear in its input gets derivatives of all orders. */
const bend = (y: Tensor): Tensor => add(y, mul(mul(y, y), add(mul(y, 0.125), 0.5)));

/** All derivatives of a case that are checked, by name, in the order of `outputs`. */
const outputs = [
  'value',
  'bent',
  'jvp',
  'jvp 2',
  'jvp 3',
  'loss',
  'slope',
  'reverse, forward',
  'reverse, reverse',
  'reverse 3',
  'pulled',
] as const;
type Output = (typeof outputs)[number];

/** What each derivative is the directional derivative of. */
const derivativeOf: readonly [Output, Output][] = [
  ['jvp', 'bent'],
  ['jvp 2', 'jvp'],
  ['jvp 3', 'jvp 2'],
  ['slope', 'loss'],
  ['reverse, forward', 'slope'],
  ['reverse, reverse', 'slope'],
  ['reverse 3', 'reverse, forward'],
];

interface Checked {
  readonly program: ReturnType<typeof programOf>;
  readonly inputs: readonly Input[];
  readonly along: readonly Input[];
}

/** The program of all derivatives of a case, from its inputs, a direction of its float32 inputs and weights of its value. */
function derivatives({ f, draws, ...rest }: Case): Checked {
  const uniform = uniforms(17);
  const xs = draw({ f, draws, ...rest }, uniform);
  const shape = valueShape(f, xs);
  const along = directions(xs, uniform);
  const weights = directions([{ shape }], uniform);
  const floating = (index: number): boolean => draws[index]!.dtype === 'float32';
  const program = programOf(
    (tensors) => {
      const all = tensors.slice(0, xs.length);
      const points = all.filter((_, i) => floating(i));
      const vs = tensors.slice(xs.length, 2 * xs.length).filter((_, i) => floating(i));
      const weight = tensors[2 * xs.length] as Tensor;
      const of: Function = (moving) => {
        let next = 0;
        return f(...all.map((x, i) => (floating(i) ? moving[next++]! : x)));
      };
      const bent: Function = (moving) => bend(of(moving));
      const push =
        (g: Function): Function =>
        (moving) =>
          jvp((x: Tensor[]) => g(x), [moving], [vs])[1];
      const loss: Function = (moving) => sum(mul(weight, bent(moving)));
      const slope: Function = (moving) => inner(grad(loss)(moving), vs);
      const reverseForward: Function = (moving) => inner(jvp(grad(loss), [moving], [vs])[1], vs);
      const reverseReverse: Function = (moving) => inner(grad(slope)(moving), vs);
      const reverse3: Function = (moving) => inner(grad(reverseReverse)(moving), vs);
      const [cotangents] = vjp((x: Tensor[]) => of(x), [points]).pullback(weight);
      const pushed = push(of)(points);
      // <u, J v> - <J^T u, v>
      const pulled = add(sum(mul(weight, pushed)), mul(-1, inner(cotangents, vs)));
      return [
        of(points),
        bent(points),
        push(bent)(points),
        push(push(bent))(points),
        push(push(push(bent)))(points),
        loss(points),
        slope(points),
        reverseForward(points),
        reverseReverse(points),
        reverse3(points),
        pulled,
      ];
    },
    [...xs, ...along, ...weights],
  );
  return { program, inputs: [...xs, ...along, ...weights], along };
}

function valueShape(f: Case['f'], xs: readonly Input[]): readonly number[] {
  return trace((tensors) => [f(...tensors)], xs, hooks).outputs[0]!.shape;
}

const checked = new Map<Case, Checked>();
function checkedOf(each: Case): Checked {
  const known = checked.get(each) ?? derivatives(each);
  checked.set(each, known);
  return known;
}

test('every kernel with a rule has a case that uses it', () => {
  expect([...new Set(cases.map(({ kernel }) => kernel))].sort()).toEqual(ruleNames());
  for (const { name, kernel, f, draws, shapes } of cases) {
    const program = trace(
      (xs) => [f(...xs)],
      draws.map(({ dtype }, i) => ({ dtype, shape: shapes[i]! })),
      hooks,
    );
    const kernels = program.equations.flatMap((equation) => (equation.type === 'kernel' ? [equation.kernel] : []));
    expect(kernels, name).toContain(kernel);
  }
});

const aval = (shape: readonly number[]): Aval => ({ shape, dtype: 'float32' });

/** The kernels whose operands broadcast. */
const broadcasting = ruleNames().filter((kernel) => {
  const { inputNames, shape } = kernelSpec(kernel)!;
  if (inputNames?.length !== 2) return false;
  try {
    return String(shape([[2, 1], [3]].map(aval), {}).shape) === '2,3';
  } catch {
    return false;
  }
});

// The other works on pairs.
const ofAnySize = ruleNames().filter((kernel) => kernel !== 'FourierTransform');

/** Kinds of operands with which each kernel occurs. */
const kinds: readonly [kind: string, kernels: readonly string[], of: (inputs: readonly Aval[]) => boolean][] = [
  ['no elements', ruleNames(), (inputs) => inputs.some(({ shape }) => sizeOf(shape) === 0)],
  ['one element', ofAnySize, (inputs) => inputs.every(({ shape }) => sizeOf(shape) === 1)],
  [
    'an odd number of elements',
    ofAnySize,
    (inputs) => inputs.some(({ shape }) => sizeOf(shape) > 1 && sizeOf(shape) % 2 === 1),
  ],
  ['a broadcast', broadcasting, ([a, b]) => String(a!.shape) !== String(b!.shape)],
];

test.each(kinds)('every kernel that can have it occurs with %s', (_, kernels, isOfKind) => {
  const seen = new Set(
    cases.flatMap(({ kernel, f, draws, shapes }) =>
      trace(
        (xs) => [f(...xs)],
        draws.map(({ dtype }, i) => ({ dtype, shape: shapes[i]! })),
        hooks,
      ).equations.flatMap((equation) =>
        equation.type === 'kernel' &&
        equation.kernel === kernel &&
        kernels.includes(kernel) &&
        isOfKind(equation.inputs)
          ? [kernel]
          : [],
      ),
    ),
  );
  expect(kernels.filter((kernel) => !seen.has(kernel))).toEqual([]);
});

test('there are more than 400 of them, for 100 kernels', () => {
  expect(cases.length).toBeGreaterThan(400);
  expect(broadcasting.length).toBeGreaterThan(15);
});

describe('float64', () => {
  test.each(cases.map((each) => [each.name, each] as const))('%s', (_, each) => {
    const { program, inputs, along } = checkedOf(each);
    const results = interpret(program, inputs).map(({ values }) => values);
    const result = (name: Output): Float64Array => results[outputs.indexOf(name)]!;
    for (const [derivative, primitive] of derivativeOf) {
      const expected = difference(program, outputs.indexOf(primitive), inputs, along);
      // What rounding of the primitive does to differences.
      expectClose(derivative, result(derivative), expected, 1e-6, 1e-9 * (1 + largest(result(primitive))));
    }
    expectClose(
      '<u, J v> - <J^T u, v>',
      result('pulled'),
      [0],
      0,
      1e-12 * (1 + largest(inputs.flatMap(({ values }) => [...values]))),
    );
  });
});

describe.each(['cpu', 'wasm'] as const)('%s', (device) => {
  test.each(cases.map((each) => [each.name, each] as const))('%s', async (_, each) => {
    await setBackend(device);
    const { program, inputs } = checkedOf(each);
    const names = outputs.filter((name) => name !== 'pulled');
    const compared = only(program, ...names.map((name) => outputs.indexOf(name)));
    const expected = interpret(compared, inputs);
    runOnDevice(compared, inputs).forEach((values, i) => {
      // Beside it, what rounding leaves of terms of unit size that cancel.
      expectClose(names[i]!, values, expected[i]!.values, 1e-4, 1e-6);
    });
  });
});
