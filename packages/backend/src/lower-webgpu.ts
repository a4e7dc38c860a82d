/** What tfjs's webgpu device needs: few axes, rows, integers that do not become float32 numbers, and accurate functions. */
import { isImprecise } from './elementary.ts';
import { withFlatIndices } from './flat-indices.ts';
import { inHalves } from './halves.ts';
import { type Equation, type KernelEquation, newValue, sizeOf, type Value } from './program.ts';
import { withFewAxes } from './rank.ts';
import { alongRows } from './rows.ts';
import { asView } from './view.ts';

/** A canonical equation as canonical ones that its kernels are right for, and copies of elements (`View`). */
export function forWebGPU(equation: KernelEquation): readonly KernelEquation[] {
  return withFlatIndices(equation)
    .flatMap(alongRows)
    .flatMap((each) => withFewAxes(each, 'webgpu'))
    .flatMap(inHalves)
    .map((each) => asView(each) ?? accurate(each));
}

function accurate(equation: KernelEquation): KernelEquation {
  const isReal = equation.inputs[0]?.dtype === 'float32';
  return isReal && isImprecise(equation.kernel) ? { ...equation, kernel: `Accurate${equation.kernel}` } : equation;
}

/** An equation in its kernels, which fill no tensors of many axes. */
export function fillingFlat(equation: Equation): readonly Equation[] {
  if (equation.type !== 'kernel' || equation.kernel !== 'Fill') return [equation];
  const [{ shape, dtype }] = equation.outputs as readonly [Value];
  const flat = newValue({ shape: [sizeOf(shape)], dtype });
  return [
    { ...equation, attributes: { ...equation.attributes, shape: flat.shape }, outputs: [flat] },
    { ...equation, kernel: 'Reshape', inputs: [flat], attributes: { shape } },
  ];
}
