/** A simplified program in the kernels and attributes that a tfjs device has, and in loops of our own. */

import { kernelEquation as kernel } from './equations.ts';
import { fourierLowerings } from './fourier-on-webgpu.ts';
import { type FusedProgram, fuse } from './fuse.ts';
import type { FusedEquation } from './fused.ts';
import { loopDevice } from './loops.ts';
import { convolutionLowerings } from './lower-convolution.ts';
import { poolingLowerings } from './lower-pooling.ts';
import { productLowerings } from './lower-product.ts';
import { selectionLowerings } from './lower-selection.ts';
import { fillingFlat, forWebGPU } from './lower-webgpu.ts';
import {
  type Atom,
  type Equation,
  type KernelEquation,
  literal,
  newValue,
  type Program,
  sizeOf,
  type Value,
} from './program.ts';
import { withFewAxes } from './rank.ts';
import { scanInHalves } from './scan-in-halves.ts';
import { shareOperands } from './shared-operands.ts';

export function lower<Source>(simplified: Program<Source>, device: string): FusedProgram<Source> {
  const loops = loopDevice(device);
  const shared = shareOperands(simplified);
  const program: FusedProgram<Source> = loops === undefined ? shared : fuse(shared, loops.computes, loops.refine);
  const lowered = (equation: KernelEquation): readonly Equation[] =>
    lowerings[equation.kernel]?.(equation, device) ?? [equation];
  const equations = program.equations.flatMap((equation): readonly (Equation | FusedEquation)[] => {
    if (equation.type === 'scan' && device === 'webgpu') return scanInHalves(equation);
    if (equation.type !== 'kernel') return [equation];
    const run = ofNothing(equation) ?? prepared(equation, device).flatMap(lowered);
    return device === 'webgpu' ? run.flatMap(fillingFlat) : run;
  });
  return { ...program, equations };
}

/** Canonical equations that a device's kernels are right for. */
function prepared(equation: KernelEquation, device: string): readonly KernelEquation[] {
  if (device === 'wasm') return withFewAxes(equation, device);
  return device === 'webgpu' ? forWebGPU(equation) : [equation];
}

/** A kernel equation in the kernels of a device. */
export type Lowering = (equation: KernelEquation, device: string) => readonly Equation[];

const output = (equation: KernelEquation): Value => equation.outputs[0] as Value;

// What a kernel makes of no elements.
const neutral: { readonly [kernel: string]: number | undefined } = {
  Sum: 0,
  Prod: 1,
  Max: -Infinity,
  Min: Infinity,
  All: 1,
  Any: 0,
  BatchMatMul: 0,
  ScatterNd: 0,
};

/** What has no elements, or is made of none, is known beforehand: some kernels of tfjs fail, read wrong memory or never end there. */
function ofNothing(equation: KernelEquation): readonly Equation[] | undefined {
  const { shape, dtype } = output(equation);
  const fill = (value: number) => [kernel('Fill', [], { shape, value, dtype }, output(equation))];
  if (sizeOf(shape) === 0) return fill(0);
  if (equation.inputs.every((x) => sizeOf(x.shape) > 0)) return undefined;
  const value =
    equation.kernel === 'PadV2' ? (equation.attributes['constantValue'] as number) : neutral[equation.kernel];
  return value === undefined ? undefined : fill(value);
}

const lowerings: { readonly [kernel: string]: Lowering | undefined } = {
  ...poolingLowerings,
  ...convolutionLowerings,
  ...fourierLowerings,
  ...selectionLowerings,
  ...productLowerings,

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
    kernel(
      'Max',
      equation.inputs,
      { reductionIndices: equation.attributes['axis'] as readonly number[], keepDims: false },
      output(equation),
    ),
  ],
  Sum: keepNoDims,
  Prod: keepNoDims,
  Min: keepNoDims,
  All: keepNoDims,
  Any: keepNoDims,
  GatherV2: (equation) => [{ ...equation, attributes: { ...equation.attributes, batchDims: 0 } }],

  Softmax: (equation) => [{ ...equation, attributes: { dim: output(equation).shape.length - 1 } }],

  // tfjs's kernel rounds to int32 on some devices.
  FloorDiv(equation) {
    const { shape, dtype } = output(equation);
    if (dtype === 'int32') return [equation];
    const quotient = newValue({ shape, dtype });
    return [kernel('RealDiv', equation.inputs, {}, quotient), kernel('Floor', [quotient], {}, output(equation))];
  },

  // Of what loops do not compute. On webgpu tfjs's kernel to float32 leaves the integers in memory as they are, of which not all other kernels
  // know.
  Cast(equation, device) {
    const [x] = equation.inputs as readonly [Atom];
    const { dtype } = equation.attributes;
    if (dtype === 'bool' && x.dtype !== 'bool')
      return [kernel('NotEqual', [x, literal(0, x.dtype)], {}, output(equation))];
    if (dtype === 'float32' && x.dtype !== 'float32' && device === 'webgpu')
      return [kernel('Multiply', [x, literal(1, 'float32')], {}, output(equation))];
    return [equation];
  },

  // Loops clip floats; on wasm integers take the kernels of which it consists.
  ClipByValue(equation, device) {
    if (device !== 'wasm') return [equation];
    const [x] = equation.inputs as readonly [Atom];
    const { clipValueMin, clipValueMax } = equation.attributes;
    const raised = newValue(output(equation));
    return [
      kernel('Maximum', [x, literal(clipValueMin as number, x.dtype)], {}, raised),
      kernel('Minimum', [raised, literal(clipValueMax as number, x.dtype)], {}, output(equation)),
    ];
  },

  // tfjs's kernels read nothing from a scalar.
  Slice: (equation) => (output(equation).shape.length > 0 ? [equation] : [{ ...equation, kernel: 'Identity' }]),
};

function keepNoDims(equation: KernelEquation): readonly Equation[] {
  return [{ ...equation, attributes: { ...equation.attributes, keepDims: false } }];
}
