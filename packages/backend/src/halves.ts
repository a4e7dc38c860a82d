/** Integers of 32 bits as two of 16, which float32 numbers hold exactly. */
import { type Attributes, type KernelEquation, newValue, type Value } from './program.ts';
import { registerShader } from './shader.ts';

/** Gives tfjs's webgpu device the kernels HighHalf and LowHalf, and FromHalves, which joins them. */
export function registerHalves(): void {
  registerShader('HighHalf', { reads: ['x'], dtype: 'int32', statements: 'result[index] = x[index] >> 16u;' });
  registerShader('LowHalf', { reads: ['x'], dtype: 'int32', statements: 'result[index] = x[index] & 65535;' });
  registerShader('FromHalves', {
    reads: ['high', 'low'],
    dtype: 'int32',
    statements: 'result[index] = (high[index] << 16u) + low[index];',
  });
}

/** Kernels that move elements, and which of their inputs hold those. */
const moved: { readonly [kernel: string]: (input: number) => boolean } = {
  Concat: () => true,
  PadV2: () => true,
  GatherV2: (input) => input === 0,
  GatherNd: (input) => input === 0,
  Select: (input) => input > 0,
  TensorScatterUpdate: (input) => input !== 1,
  // Each half passes through float32 as it is and is added as an integer: sums of any number of them are right modulo 2^32.
  ScatterNd: (input) => input === 1,
};

/** tfjs's kernels on webgpu move integers as float32 numbers, exact up to 2^24: their halves are moved instead. */
export function inHalves(equation: KernelEquation): readonly KernelEquation[] {
  const [output] = equation.outputs as readonly [Value];
  const isMoved = moved[equation.kernel];
  if (isMoved === undefined || output.dtype !== 'int32') return [equation];
  const before: KernelEquation[] = [];
  const moveHalf = (half: 'HighHalf' | 'LowHalf', attributes: Attributes): Value => {
    const inputs = equation.inputs.map((x, i) => {
      if (!isMoved(i)) return x;
      const part = newValue(x);
      before.push({ ...equation, kernel: half, inputs: [x], attributes: {}, outputs: [part] });
      return part;
    });
    const result = newValue(output);
    before.push({ ...equation, inputs, attributes, outputs: [result] });
    return result;
  };
  const { constantValue } = equation.attributes as { constantValue?: number };
  const withConstant = (half: (value: number) => number): Attributes =>
    constantValue === undefined ? equation.attributes : { ...equation.attributes, constantValue: half(constantValue) };
  const high = moveHalf(
    'HighHalf',
    withConstant((value) => value >> 16),
  );
  const low = moveHalf(
    'LowHalf',
    withConstant((value) => value & 65535),
  );
  return [...before, { ...equation, kernel: 'FromHalves', inputs: [high, low], attributes: {} }];
}
