/** Random programs that move, join, reduce and multiply, loop, and read and return the same values in many places. */
import { type Tensor, tensor } from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import {
  type Atom,
  type Attributes,
  type Aval,
  type DataType,
  type Equation,
  hostValues,
  kernelSpec,
  type Literal,
  newValue,
  type Program,
  type ScanEquation,
  sameShape,
  sizeOf,
  type Value,
} from '../src/index.ts';
import type { Elements } from './element-reference.ts';
import { numbersFrom, together } from './random-programs.ts';

/** What a step does follows from `kind` and `seed`; `body` is what a loop runs. */
interface Step {
  readonly kind: number;
  readonly seed: number;
  readonly body: readonly Step[];
}

export interface RoutinePlan {
  readonly inputs: readonly { readonly shape: readonly number[]; readonly dtype: DataType; readonly seed: number }[];
  /** Whether inputs have infinities and NaN. */
  readonly wild: boolean;
  readonly steps: readonly Step[];
  readonly outputs: number;
}

const mostElements = 700;
const dtypes: readonly DataType[] = ['float32', 'float32', 'float32', 'int32', 'bool'];

const stepsOf = (depth: number): fc.Arbitrary<readonly Step[]> =>
  fc.array(
    fc.record({
      kind: fc.nat(1e6),
      seed: fc.nat(1e6),
      body: depth === 0 ? fc.constant([]) : stepsOf(depth - 1),
    }),
    { minLength: depth === 2 ? 2 : 0, maxLength: 4 + 8 * depth, size: 'max' },
  );

/** Plans of programs whose inputs have these lengths. */
export const routinePlans = (lengths: readonly number[]): fc.Arbitrary<RoutinePlan> =>
  fc.record({
    inputs: fc.array(
      fc.record({
        shape: fc
          .array(fc.constantFrom(...lengths), { maxLength: 4, size: 'max' })
          .filter((shape) => sizeOf(shape) <= mostElements),
        dtype: fc.constantFrom(...dtypes),
        seed: fc.nat(1e6),
      }),
      { minLength: 1, maxLength: 4, size: 'max' },
    ),
    wild: fc.boolean(),
    steps: stepsOf(2),
    outputs: fc.nat(1e6),
  });

type Draw = () => number;
const below = (draw: Draw, count: number): number => Math.floor(draw() * count);
const oneOf = <T>(draw: Draw, items: readonly T[]): T => items[below(draw, items.length)] as T;
const range = (count: number): number[] => [...Array(count).keys()];
const shuffled = (draw: Draw, count: number): number[] =>
  range(count)
    .map((i) => [draw(), i] as const)
    .sort(([a], [b]) => a - b)
    .map(([, i]) => i);

/** Halves from -4 to 4, whole numbers from -4 to 4, or bools. */
function drawn(draw: Draw, { shape, dtype }: Aval, wild: boolean): number[] {
  return Array.from({ length: sizeOf(shape) }, () => {
    if (dtype === 'bool') return below(draw, 2);
    if (dtype === 'int32') return below(draw, 9) - 4;
    return wild && draw() < 0.05 ? oneOf(draw, [NaN, Infinity, -Infinity]) : below(draw, 17) / 2 - 4;
  });
}

/** A program in the making, from the values that there are so far. */
class Making {
  readonly equations: Equation[] = [];
  readonly values: Atom[];
  readonly captured: { value: Value; source: Tensor }[] = [];
  draw: Draw = () => 0;

  constructor(values: readonly Atom[]) {
    this.values = [...values];
  }

  apply(kernel: string, inputs: readonly Atom[], attributes: Attributes = {}): Value {
    const output = newValue(kernelSpec(kernel)!.shape(inputs, attributes));
    this.equations.push({ type: 'kernel', kernel, inputs, attributes, outputs: [output] });
    return output;
  }

  /** A value for which `fits` holds, more often one of the latest. */
  pick(fits: (atom: Atom) => boolean = () => true): Atom {
    const found = this.values.filter(fits);
    if (found.length === 0) return this.literal({ shape: [2, 3], dtype: 'float32' });
    return oneOf(this.draw, this.draw() < 0.5 ? found : found.slice(-4));
  }

  literal(aval: Aval): Literal {
    const { shape, dtype } = aval;
    const values = hostValues(dtype, sizeOf(shape));
    values.set(drawn(this.draw, aval, false));
    return { kind: 'literal', shape, dtype, values };
  }

  indices(shape: readonly number[], lengths: readonly number[]): Literal {
    const values = Int32Array.from({ length: sizeOf(shape) }, (_, i) => below(this.draw, lengths[i % lengths.length]!));
    return { kind: 'literal', shape, dtype: 'int32', values };
  }

  reshape(x: Atom, shape: readonly number[]): Atom {
    return this.apply('Reshape', [x], { shape });
  }

  /** Small whole numbers, of which sums and products are exact. */
  tame(x: Atom): Atom {
    if (x.dtype === 'float32')
      return this.apply('Round', [this.apply('ClipByValue', [x], { clipValueMin: -8, clipValueMax: 8 })]);
    if (x.dtype === 'bool') return x;
    const bound = (value: number): Literal => ({
      kind: 'literal',
      shape: [],
      dtype: 'int32',
      values: Int32Array.of(value),
    });
    return this.apply('Minimum', [this.apply('Maximum', [x, bound(-8)]), bound(8)]);
  }
}

type Maker = (making: Making, body: readonly Step[]) => Atom | readonly Atom[];

const isFloat = ({ dtype }: Atom): boolean => dtype === 'float32';
const isFull = ({ shape }: Atom): boolean => sizeOf(shape) > 0;
const hasAxes =
  (rank: number) =>
  ({ shape }: Atom): boolean =>
    shape.length >= rank;

const unaries = {
  float32: ['Neg', 'Abs', 'Floor', 'Relu', 'Square', 'Sign', 'IsNan'],
  int32: ['Neg', 'Abs'],
  bool: ['LogicalNot'],
};
const binaries = {
  float32: ['Add', 'Sub', 'Multiply', 'Maximum', 'Less', 'Equal'],
  int32: ['Add', 'Sub', 'Multiply', 'Minimum', 'Greater'],
  bool: ['LogicalAnd', 'LogicalOr'],
};

const elementwise: Maker = (making) => {
  const { draw } = making;
  const x = making.pick();
  const both = (other: Atom): readonly number[] => together(x.shape, other.shape) ?? [mostElements + 1];
  const other = making.pick((atom) => atom.dtype === x.dtype && sizeOf(both(atom)) <= mostElements);
  if (draw() < 0.3) return making.tame(making.apply(oneOf(draw, unaries[x.dtype]), [x]));
  if (other.dtype !== x.dtype) return [];
  const made = making.apply(oneOf(draw, binaries[x.dtype]), draw() < 0.5 ? [x, other] : [other, x]);
  const condition = making.values.find(({ shape, dtype }) => dtype === 'bool' && sameShape(shape, made.shape));
  if (condition === undefined || draw() < 0.7) return making.tame(made);
  return making.apply('Select', [condition, made, making.tame(made)]);
};

const cast: Maker = (making) => making.apply('Cast', [making.pick()], { dtype: oneOf(making.draw, dtypes) });

const broadcast: Maker = (making) => {
  const { draw } = making;
  const x = making.pick();
  const shape = [
    ...(draw() < 0.4 ? [1 + below(draw, 3)] : []),
    ...x.shape.map((n) => (n === 1 ? 1 + below(draw, 5) : n)),
  ];
  return sizeOf(shape) > mostElements || shape.length > 6 ? [] : making.apply('BroadcastTo', [x], { shape });
};

const reduce: Maker = (making) => {
  const { draw } = making;
  const x = making.pick();
  // tfjs's kernels transpose by themselves, and leave a tensor behind where the memory ends there: those reduce the last axis.
  const axis = x.shape.flatMap((_, i) => ((isFloat(x) ? draw() < 0.5 : i === x.shape.length - 1) ? [i] : []));
  if (axis.length === 0) return [];
  if (x.dtype === 'bool') return making.apply(oneOf(draw, ['All', 'Any']), [x], { axis });
  if (x.dtype === 'int32') return making.tame(making.apply('Sum', [x], { axis }));
  return making.tame(making.apply(oneOf(draw, ['Sum', 'Max', 'Min']), [x], { axis }));
};

const product: Maker = (making) => {
  const { draw } = making;
  const a = making.pick((atom) => isFloat(atom) && isFull(atom) && atom.shape.length >= 2);
  if (a.shape.length < 2) return [];
  const [transposeA, transposeB] = [draw() < 0.5, draw() < 0.5];
  const batch = a.shape.slice(0, -2);
  const inner = a.shape.at(transposeA ? -2 : -1)!;
  const fits = (count: number) => (atom: Atom) =>
    isFloat(atom) && isFull(atom) && sizeOf(atom.shape) % (count * inner) === 0;
  const matrix = (x: Atom, first: readonly number[]): Atom => {
    const columns = sizeOf(x.shape) / (sizeOf(first) * inner);
    return making.reshape(x, [...first, ...(transposeB ? [columns, inner] : [inner, columns])]);
  };
  let b: Atom;
  if (draw() < 0.3) {
    const one = matrix(making.pick(fits(1)), []);
    if (sizeOf(batch) * sizeOf(one.shape) > mostElements) return [];
    b = making.apply('BroadcastTo', [one], { shape: [...batch, ...one.shape] });
  } else b = matrix(draw() < 0.3 ? a : making.pick(fits(sizeOf(batch))), batch);
  const columns = b.shape.at(transposeB ? -2 : -1)!;
  if ((sizeOf(a.shape) / inner) * columns > mostElements) return [];
  const swaps = batch.length > 0 && draw() < 0.3;
  const inputs = swaps ? [b, a] : [a, b];
  const attributes = swaps ? { transposeA: !transposeB, transposeB: !transposeA } : { transposeA, transposeB };
  return making.tame(making.apply('BatchMatMul', inputs, attributes));
};

const move: Maker = (making) => {
  const { draw } = making;
  const x = making.pick(hasAxes(1));
  const { shape } = x;
  const kernel = oneOf(draw, ['Transpose', 'Slice', 'Reverse', 'PadV2']);
  if (kernel === 'Transpose') return making.apply(kernel, [x], { perm: shuffled(draw, shape.length) });
  if (kernel === 'Reverse')
    return making.apply(kernel, [x], { dims: shape.flatMap((_, i) => (draw() < 0.5 ? [i] : [])) });
  if (kernel === 'Slice') {
    const begin = shape.map((n) => below(draw, Math.min(n, 3)));
    const size = shape.map((n, i) => (draw() < 0.05 ? 0 : Math.min(n - begin[i]!, 1 + below(draw, n))));
    return making.apply(kernel, [x], { begin, size });
  }
  const paddings = shape.map(() => [below(draw, 3), below(draw, 2)]);
  if (x.dtype === 'bool' || sizeOf(shape.map((n, i) => n + paddings[i]![0]! + paddings[i]![1]!)) > mostElements)
    return [];
  return making.apply('PadV2', [x], { paddings, constantValue: below(draw, 3) - 1 });
};

const join: Maker = (making) => {
  const { draw } = making;
  const first = making.pick(hasAxes(1));
  const axis = below(draw, first.shape.length);
  const fits = ({ shape, dtype }: Atom): boolean =>
    dtype === first.dtype && sameShape(shape.toSpliced(axis, 1), first.shape.toSpliced(axis, 1)) && shape.length > axis;
  const inputs = [first, ...range(1 + below(draw, 3)).map(() => making.pick(fits))].filter(fits);
  const length = inputs.reduce((sum, { shape }) => sum + shape[axis]!, 0);
  return sizeOf(first.shape.with(axis, length)) > mostElements ? [] : making.apply('Concat', inputs, { axis });
};

const gather: Maker = (making) => {
  const { draw } = making;
  const x = making.pick((atom) => hasAxes(1)(atom) && isFull(atom) && atom.dtype !== 'bool');
  const { shape } = x;
  const [depth, count] = [1 + below(draw, shape.length), 1 + below(draw, 5)];
  // What is computed is checked when it runs.
  const maybe = (indices: Literal): Atom =>
    draw() < 0.3 ? making.apply('Select', [making.apply('Equal', [indices, indices]), indices, indices]) : indices;
  const kernel = oneOf(draw, ['GatherV2', 'GatherNd', 'ScatterNd', 'GatherEach', 'ScatterEach']);
  if (kernel === 'GatherV2') {
    const axis = below(draw, shape.length);
    if ((sizeOf(shape) / shape[axis]!) * count > mostElements) return [];
    return making.apply(kernel, [x, maybe(making.indices([count], [shape[axis]!]))], { axis });
  }
  if (kernel === 'GatherNd') {
    if (count * sizeOf(shape.slice(depth)) > mostElements) return [];
    return making.apply(kernel, [x, maybe(making.indices([count, depth], shape.slice(0, depth)))]);
  }
  if (x.dtype !== 'float32') return [];
  if (kernel === 'ScatterNd') {
    const into = [...range(depth).map(() => 1 + below(draw, 3)), ...shape.slice(1)];
    const indices = maybe(making.indices([shape[0]!, depth], into.slice(0, depth)));
    return sizeOf(into) > mostElements ? [] : making.tame(making.apply(kernel, [indices, x], { shape: into }));
  }
  if (kernel === 'GatherEach')
    return making.apply(kernel, [x, making.indices([shape[0]!, count], [sizeOf(shape.slice(1))])]);
  const places = making.indices(shape, [count]);
  return making.tame(making.apply(kernel, [x, places], { shape: [count] }));
};

const reshape: Maker = (making) => {
  const { draw } = making;
  const x = making.pick();
  const { shape } = x;
  const at = below(draw, shape.length + 1);
  const shapes = [[sizeOf(shape)], shape.toSpliced(at, 0, 1), shape.filter((n) => n !== 1)];
  if (at + 1 < shape.length) shapes.push(shape.toSpliced(at, 2, shape[at]! * shape[at + 1]!));
  return making.reshape(x, oneOf(draw, shapes));
};

const known: Maker = (making) =>
  making.literal({ shape: making.draw() < 0.7 ? making.pick().shape : [3], dtype: oneOf(making.draw, dtypes) });

const accumulate: Maker = (making) => {
  const x = making.pick((atom) => hasAxes(1)(atom) && isFloat(atom) && isFull(atom));
  const axis = x.shape.length - 1;
  return making.tame(making.apply('Cumsum', [x], { axis, exclusive: false, reverse: false }));
};

const capture: Maker = (making) => {
  const aval = { shape: making.pick().shape, dtype: oneOf(making.draw, dtypes) };
  const value = newValue(aval);
  making.captured.push({ value, source: tensor(drawn(making.draw, aval, false), [...aval.shape], aval.dtype) });
  return value;
};

const scan: Maker = (making, steps) => {
  const { draw } = making;
  const some = (most: number): Atom[] => range(below(draw, most + 1)).map(() => making.pick());
  const whole = making.pick(hasAxes(1));
  const length = (whole.shape[0] ?? 9) < 6 && draw() < 0.8 ? whole.shape[0]! : below(draw, 5);
  const slices = making.values.filter(({ shape }) => shape.length > 0 && shape[0] === length && draw() < 0.6);
  const xs = slices.slice(-3);
  const [constants, carry] = [some(2), some(2)];
  const inputs = [...constants, ...carry, ...xs.map(({ shape, dtype }) => ({ shape: shape.slice(1), dtype }))].map(
    newValue,
  );
  const body = madeOf(inputs, steps);
  body.draw = draw;
  const outputs = [
    ...carry.map(({ shape, dtype }) => {
      const aval = { shape, dtype };
      const fits = (atom: Atom): boolean => atom.dtype === dtype && sameShape(atom.shape, shape);
      return draw() < 0.1 ? body.literal(aval) : body.pick(fits);
    }),
    ...range(below(draw, 4)).map(() => (draw() < 0.1 ? body.literal({ shape: [2], dtype: 'int32' }) : body.pick())),
  ];
  const rows = outputs.slice(carry.length);
  if (rows.some(({ shape }) => sizeOf(shape) * length > mostElements)) return [];
  const equation: ScanEquation = {
    type: 'scan',
    body: { inputs, constants: body.captured, equations: body.equations, outputs },
    length,
    constants: constants.length,
    carry: carry.length,
    reverse: draw() < 0.5,
    inputs: [...constants, ...carry, ...xs],
    outputs: outputs.map(({ shape, dtype }, i) =>
      newValue({ shape: i < carry.length ? shape : [length, ...shape], dtype }),
    ),
  };
  if (equation.outputs.length === 0) return [];
  making.equations.push(equation);
  return equation.outputs;
};

const makers: readonly Maker[] = [
  ...[elementwise, elementwise, elementwise, elementwise, cast, broadcast, reduce, reduce, product, product],
  ...[move, move, move, join, join, gather, gather, reshape, reshape, known, accumulate, capture, scan, scan],
];

function madeOf(inputs: readonly Atom[], steps: readonly Step[]): Making {
  const making = new Making(inputs);
  for (const { kind, seed, body } of steps) {
    making.draw = numbersFrom(seed);
    const maker = makers[kind % makers.length] as Maker;
    making.values.push(...[maker(making, body)].flat());
  }
  return making;
}

/** The program of a plan, and elements for its inputs. What it captures is the caller's to dispose. */
export function routineProgramOf(plan: RoutinePlan): { program: Program<Tensor>; inputs: Elements[] } {
  const values = plan.inputs.map(newValue);
  const making = madeOf(values, plan.steps);
  const draw = numbersFrom(plan.outputs);
  const read = new Set(making.equations.flatMap(({ inputs }) => inputs));
  const last = making.values.filter((atom) => !read.has(atom) && draw() < 0.8);
  const some = range(below(draw, 4)).map(() => oneOf(draw, making.values));
  const program = {
    inputs: values,
    constants: making.captured,
    equations: making.equations,
    outputs: [...last, ...some],
  };
  const inputs = plan.inputs.map((input) => ({
    shape: input.shape,
    values: drawn(numbersFrom(input.seed), input, plan.wild),
  }));
  return { program, inputs };
}

/** The tensors that a program and its loops capture. */
export function capturedBy({ constants, equations }: Program<Tensor>): Tensor[] {
  const inside = equations.flatMap((each) => (each.type === 'scan' ? capturedBy(each.body as Program<Tensor>) : []));
  return [...constants.map(({ source }) => source), ...inside];
}
