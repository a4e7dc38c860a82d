/** Programs that also move, join and multiply elements, and run loops, an equation after the other: what routines are compared with. */
import type { Tensor } from '@tensorflow/tfjs-core';
import { type Atom, type Equation, type KernelEquation, newValue, type Program, sizeOf } from '../src/program.ts';
import { type Elements, runPlainly } from './element-reference.ts';

type Numbers = readonly number[];
type Device = 'cpu' | 'wasm';

/** The outputs of a program, all arithmetic in float64 and each result rounded to its dtype. */
export function runStepByStep(program: Program<Tensor>, inputs: readonly Elements[], device: Device): Elements[] {
  const values = new Map(program.inputs.map(({ id }, i) => [id, inputs[i] as Elements]));
  for (const { value, source } of program.constants) values.set(value.id, elementsOfTensor(source));
  const elementsOf = (atom: Atom): Elements =>
    atom.kind === 'value'
      ? (values.get(atom.id) as Elements)
      : { shape: atom.shape, values: Array.from(atom.values, Number) };
  for (const equation of program.equations) {
    const results = resultsOf(equation, equation.inputs.map(elementsOf), device);
    equation.outputs.forEach(({ id }, i) => void values.set(id, results[i] as Elements));
  }
  return program.outputs.map(elementsOf);
}

export function elementsOfTensor(tensor: Tensor): Elements {
  return { shape: tensor.shape, values: Array.from(tensor.dataSync(), Number) };
}

function resultsOf(equation: Equation, operands: readonly Elements[], device: Device): Elements[] {
  if (equation.type === 'call') throw new Error('a custom derivative has no place here');
  if (equation.type === 'kernel') {
    const own = kernels[equation.kernel];
    const { shape } = equation.outputs[0]!;
    if (own !== undefined)
      return [{ shape, values: own(operands, shape, equation.attributes as unknown as Attributes) }];
    const values = equation.inputs.map(newValue);
    const alone: KernelEquation = { ...equation, inputs: values };
    const program = { inputs: values, constants: [], equations: [alone], outputs: equation.outputs };
    return runPlainly(program, operands, device);
  }
  const { body, length, constants, carry, reverse } = equation;
  const rest = operands.slice(constants + carry);
  let carried = operands.slice(constants, constants + carry);
  const rows: Elements[][] = [];
  for (let i = 0; i < length; i++) {
    const row = reverse ? length - 1 - i : i;
    const slices = rest.map(({ shape, values }): Elements => {
      const size = values.length / length;
      return { shape: shape.slice(1), values: values.slice(row * size, (row + 1) * size) };
    });
    const results = runStepByStep(
      body as Program<Tensor>,
      [...operands.slice(0, constants), ...carried, ...slices],
      device,
    );
    carried = results.slice(0, carry);
    rows[row] = results.slice(carry);
  }
  const stacked = equation.outputs
    .slice(carry)
    .map(({ shape }, i) => ({ shape, values: rows.flatMap((row) => row[i]!.values) }));
  return [...carried, ...stacked];
}

interface Attributes {
  readonly axis: number;
  readonly perm: Numbers;
  readonly begin: Numbers;
  readonly dims: Numbers;
  readonly paddings: readonly Numbers[];
  readonly constantValue: number;
  readonly transposeA: boolean;
  readonly transposeB: boolean;
}

type Kernel = (inputs: readonly Elements[], shape: Numbers, attributes: Attributes) => number[];

/** All places of a shape in row-major order. */
const places = (shape: Numbers): Numbers[] =>
  shape.reduce<Numbers[]>((all, n) => all.flatMap((place) => range(n).map((i) => [...place, i])), [[]]);
const range = (n: number): number[] => [...Array(n).keys()];
const indexOf = (place: Numbers, shape: Numbers): number =>
  place.reduce((index, i, axis) => index * shape[axis]! + i, 0);
const add = (a: Numbers, b: Numbers): number[] => a.map((x, i) => x + b[i]!);

/** The elements at the places that `from` gives for those of the result. */
const moving =
  (from: (place: Numbers, x: Elements, attributes: Attributes) => Numbers): Kernel =>
  ([x], shape, attributes) =>
    places(shape).map((place) => x!.values[indexOf(from(place, x!, attributes), x!.shape)]!);

const kernels: { readonly [kernel: string]: Kernel | undefined } = {
  Identity: ([x]) => [...x!.values],
  Transpose: moving((place, _, { perm }) => perm.map((_, axis) => place[perm.indexOf(axis)]!)),
  Slice: moving((place, _, { begin }) => add(place, begin)),
  Reverse: moving((place, { shape }, { dims }) =>
    place.map((i, axis) => (dims.includes(axis) ? shape[axis]! - 1 - i : i)),
  ),
  Tile: moving((place, { shape }) => place.map((i, axis) => i % shape[axis]!)),

  PadV2: ([x], shape, { paddings, constantValue }) =>
    places(shape).map((place) => {
      const from = place.map((i, axis) => i - paddings[axis]![0]!);
      return from.every((i, axis) => i >= 0 && i < x!.shape[axis]!)
        ? x!.values[indexOf(from, x!.shape)]!
        : constantValue;
    }),

  Concat: (inputs, shape, { axis }) =>
    places(shape).map((place) => {
      let at = place[axis]!;
      for (const { shape: own, values } of inputs) {
        if (at < own[axis]!) return values[indexOf(place.with(axis, at), own)]!;
        at -= own[axis]!;
      }
      throw new Error('the shape is longer than what is joined');
    }),

  BatchMatMul: ([a, b], shape, { transposeA, transposeB }) => {
    const inner = a!.shape.at(transposeA ? -2 : -1)!;
    const at = (
      { shape: own, values }: Elements,
      batch: Numbers,
      row: number,
      column: number,
      turned: boolean,
    ): number => {
      const place = turned ? [...batch, column, row] : [...batch, row, column];
      return values[
        indexOf(
          place.map((i, axis) => (own[axis] === 1 ? 0 : i)),
          own,
        )
      ]!;
    };
    return places(shape).map((place) => {
      const [row, column] = place.slice(-2) as [number, number];
      const batch = place.slice(0, -2);
      return range(inner).reduce(
        (sum, i) => sum + at(a!, batch, row, i, transposeA) * at(b!, batch, i, column, transposeB),
        0,
      );
    });
  },

  Cumsum: ([x], shape, { axis }) => {
    const values = [...x!.values];
    for (const place of places(shape)) {
      if (place[axis] === 0) continue;
      values[indexOf(place, shape)]! += values[indexOf(place.with(axis, place[axis]! - 1), shape)]!;
    }
    return values;
  },

  GatherV2: ([x, indices], shape, { axis }) =>
    places(shape).map((place) => {
      const within = place.slice(axis, axis + indices!.shape.length);
      const index = indices!.values[indexOf(within, indices!.shape)]!;
      return x!.values[indexOf([...place.slice(0, axis), index, ...place.slice(axis + within.length)], x!.shape)]!;
    }),

  GatherNd: ([x, indices], shape) => {
    const depth = indices!.shape.at(-1)!;
    const rank = indices!.shape.length - 1;
    return places(shape).map((place) => {
      const first = indexOf([...place.slice(0, rank), 0], indices!.shape);
      return x!.values[indexOf([...indices!.values.slice(first, first + depth), ...place.slice(rank)], x!.shape)]!;
    });
  },

  ScatterNd: ([indices, updates], shape) => {
    const values = Array<number>(sizeOf(shape)).fill(0);
    const depth = indices!.shape.at(-1)!;
    const rank = indices!.shape.length - 1;
    places(updates!.shape).forEach((place, i) => {
      const first = indexOf([...place.slice(0, rank), 0], indices!.shape);
      values[indexOf([...indices!.values.slice(first, first + depth), ...place.slice(rank)], shape)]! +=
        updates!.values[i]!;
    });
    return values;
  },

  GatherEach: ([x, at]) => {
    const [size, count] = [x!.values.length / x!.shape[0]!, at!.values.length / at!.shape[0]!];
    return at!.values.map((place, i) => x!.values[Math.floor(i / count) * size + place]!);
  },

  ScatterEach: ([updates, at], shape) => {
    const values = Array<number>(sizeOf(shape)).fill(0);
    const [size, count] = [values.length / shape[0]!, at!.values.length / at!.shape[0]!];
    at!.values.forEach((place, i) => {
      values[Math.floor(i / count) * size + place]! += updates!.values[i]!;
    });
    return values;
  },
};
