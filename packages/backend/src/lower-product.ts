/** Matrix products on wasm, where tfjs multiplies with SIMD only one pair of matrices of which none is transposed. */
import { applying } from './equations.ts';
import type { Lowering } from './lower.ts';
import { type Atom, type Equation, sizeOf, type Value } from './program.ts';

/** A product of this many multiplications gains more from SIMD than it costs to take its matrices out of a batch. */
const largeProduct = 48_000;
/** Batches beyond this stay whole: their programs would grow with them. */
const mostMatrices = 64;

export const productLowerings: { readonly [kernel: string]: Lowering } = {
  BatchMatMul(equation, device) {
    if (device !== 'wasm') return [equation];
    const { transposeA, transposeB } = equation.attributes;
    const [a, b] = equation.inputs as readonly [Atom, Atom];
    const output = equation.outputs[0] as Value;
    const equations: Equation[] = [];
    const apply = applying(equations);
    const straight = (x: Atom, transposed: boolean): Atom => {
      if (!transposed) return x;
      const rank = x.shape.length;
      const perm = [...x.shape.keys()].map((i) => (i < rank - 2 ? i : 2 * rank - 3 - i));
      return apply(
        'Transpose',
        [x],
        perm.map((i) => x.shape[i] as number),
        { perm },
      );
    };
    const product = (left: Atom, right: Atom, shape: readonly number[]): Value =>
      output.dtype === 'int32'
        ? apply('IntegerMatMul', [left, right], shape)
        : apply('BatchMatMul', [left, right], shape, { transposeA: false, transposeB: false });
    const ending = (): readonly Equation[] => {
      const last = equations.pop() as Equation;
      return [...equations, { ...last, outputs: [output] } as Equation];
    };

    const factors = [straight(a, transposeA as boolean), straight(b, transposeB as boolean)] as const;
    const count = sizeOf(output.shape.slice(0, -2));
    const matrix = output.shape.slice(-2);
    const size = sizeOf(matrix) * factors[0].shape[factors[0].shape.length - 1]!;
    if (output.dtype === 'int32' || count === 1 || count > mostMatrices || size < largeProduct) {
      product(...factors, output.shape);
      return ending();
    }
    const each = Array.from({ length: count }, (_, i) => {
      const [left, right] = factors.map((x) => {
        const own = x.shape.slice(-2);
        const matrices = apply('Reshape', [x], [count, ...own], { shape: [count, ...own] });
        const one = apply('Slice', [matrices], [1, ...own], { begin: [i, 0, 0], size: [1, ...own] });
        return apply('Reshape', [one], own, { shape: own });
      }) as [Value, Value];
      const shape = [1, sizeOf(matrix)];
      return apply('Reshape', [product(left, right, matrix)], shape, { shape });
    });
    const joined = apply('Concat', each, [count, sizeOf(matrix)], { axis: 0 });
    apply('Reshape', [joined], output.shape, { shape: output.shape });
    return ending();
  },
};
