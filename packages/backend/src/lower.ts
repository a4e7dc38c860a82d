/** A simplified program in the kernels and attributes that a tfjs device has. */
import { type Atom, type Attributes, type Equation, type KernelEquation, newValue, type Program, type Value } from './program.ts';

export function lower<Source>(program: Program<Source>, device: string): Program<Source> {
  const equations = program.equations.flatMap((equation) =>
    equation.type === 'kernel' ? (lowerings[equation.kernel]?.(equation, device) ?? [equation]) : [equation],
  );
  return { ...program, equations };
}

type Lowering = (equation: KernelEquation, device: string) => readonly Equation[];

const kernel = (name: string, inputs: readonly Atom[], attributes: Attributes, output: Value): KernelEquation => ({
  type: 'kernel',
  kernel: name,
  inputs,
  attributes,
  outputs: [output],
});

const output = (equation: KernelEquation): Value => equation.outputs[0] as Value;

const lowerings: { readonly [kernel: string]: Lowering | undefined } = {
  // No device has the kernel: repeat the axes of length 1.
  BroadcastTo(equation) {
    const [x] = equation.inputs as readonly [Atom];
    const { shape, dtype } = output(equation);
    const aligned = [...Array.from({ length: shape.length - x.shape.length }, () => 1), ...x.shape];
    const expanded = newValue({ shape: aligned, dtype });
    return [
      kernel('Reshape', [x], { shape: aligned }, expanded),
      kernel('Tile', [expanded], { reps: shape.map((n, i) => (aligned[i] === n ? 1 : n)) }, output(equation)),
    ];
  },

  Max: (equation) => [
    kernel('Max', equation.inputs, { reductionIndices: equation.attributes['axis'] as readonly number[], keepDims: false }, output(equation)),
  ],
  Sum: keepNoDims,
  Prod: keepNoDims,
  Min: keepNoDims,
  All: keepNoDims,
  Any: keepNoDims,
  GatherV2: (equation) => [{ ...equation, attributes: { ...equation.attributes, batchDims: 0 } }],

  Softmax: (equation) => [{ ...equation, attributes: { dim: output(equation).shape.length - 1 } }],

  // tfjs multiplies on wasm with SIMD only where nothing is transposed.
  BatchMatMul(equation, device) {
    if (device !== 'wasm') return [equation];
    const { transposeA, transposeB } = equation.attributes;
    const before: Equation[] = [];
    const straight = (x: Atom, transposed: boolean): Atom => {
      if (!transposed) return x;
      const rank = x.shape.length;
      const perm = [...x.shape.keys()].map((i) => (i < rank - 2 ? i : 2 * rank - 3 - i));
      const result = newValue({ shape: perm.map((i) => x.shape[i] as number), dtype: x.dtype });
      before.push(kernel('Transpose', [x], { perm }, result));
      return result;
    };
    const [a, b] = equation.inputs as readonly [Atom, Atom];
    const inputs = [straight(a, transposeA as boolean), straight(b, transposeB as boolean)];
    return [...before, kernel('BatchMatMul', inputs, { transposeA: false, transposeB: false }, output(equation))];
  },
};

function keepNoDims(equation: KernelEquation): readonly Equation[] {
  return [{ ...equation, attributes: { ...equation.attributes, keepDims: false } }];
}
