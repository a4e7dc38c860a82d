/** Matrix products of integers on wasm, for which tfjs has no kernel. */
import { applying } from './equations.ts';
import type { Lowering } from './lower.ts';
import type { Atom, Equation, Value } from './program.ts';

export const productLowerings: { readonly [kernel: string]: Lowering } = {
  BatchMatMul(equation, device) {
    const [output] = equation.outputs as readonly [Value];
    if (device !== 'wasm' || output.dtype !== 'int32') return [equation];
    const { transposeA, transposeB } = equation.attributes;
    const [a, b] = equation.inputs as readonly [Atom, Atom];
    const equations: Equation[] = [];
    const apply = applying(equations);
    const straight = (x: Atom, isTransposed: boolean): Atom => {
      if (!isTransposed) return x;
      const rank = x.shape.length;
      const perm = [...x.shape.keys()].map((i) => (i < rank - 2 ? i : 2 * rank - 3 - i));
      const shape = perm.map((i) => x.shape[i] as number);
      return apply('Transpose', [x], shape, { perm });
    };
    const inputs = [straight(a, transposeA as boolean), straight(b, transposeB as boolean)];
    return [...equations, { ...equation, kernel: 'IntegerMatMul', inputs, attributes: {} }];
  },
};
