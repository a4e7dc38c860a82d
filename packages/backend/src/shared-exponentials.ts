/** Softplus and sigmoid of one number, and of minus that number, from one exponential. */
import { applying, kernelEquation } from './equations.ts';
import { type Atom, type KernelEquation, literal, sizeOf, type Value } from './program.ts';

/**
 * The equations of a loop, in which those of softplus and sigmoid whose arguments are the same up to the sign share `e = exp(-|x|)`:
 * `softplus(x) = max(x, 0) + log(1 + e)`, and `sigmoid(x)` is `1 / (1 + e)`, or `e / (1 + e)` for negative x. So a logistic loss and its
 * gradient take one exponential and one logarithm for each example. As our functions on wasm compute these formulas, no bit is another. What
 * has no other to share with stays as it is.
 */
export function shareExponentials(equations: readonly KernelEquation[]): readonly KernelEquation[] {
  const magnitudeOf = magnitudes(equations);
  const keyOf = ({ kernel, inputs }: KernelEquation): string | undefined =>
    kernel === 'Softplus' || kernel === 'Sigmoid' ? magnitudeOf(inputs[0] as Atom) : undefined;
  const keys = equations.map(keyOf);
  const result: KernelEquation[] = [];
  const apply = applying(result);
  const exponentials = new Map<string, Exponential>();

  const exponentialOf = (x: Atom, { shape }: Value): Exponential => {
    const value = apply('Exp', [apply('Neg', [apply('Abs', [x], shape)], shape)], shape);
    return { value, onePlus: apply('Add', [value, one], shape), log1p: apply('Log1p', [value], shape) };
  };
  const fromExponential = (equation: KernelEquation, key: string): KernelEquation => {
    const [x] = equation.inputs as [Atom];
    const output = equation.outputs[0] as Value;
    const { shape } = output;
    const { value, onePlus, log1p } = exponentials.get(key) ?? exponentialOf(x, output);
    exponentials.set(key, { value, onePlus, log1p });
    if (equation.kernel === 'Softplus') {
      return kernelEquation('Add', [apply('Maximum', [x, zero], shape), log1p], {}, output);
    }
    const isNegative = apply('Less', [x, zero], shape, {}, 'bool');
    const numerator = apply('Select', [isNegative, value, one], shape, {}, 'float32');
    return kernelEquation('RealDiv', [numerator, onePlus], {}, output);
  };

  equations.forEach((equation, i) => {
    const key = keys[i];
    const isShared = key !== undefined && keys.indexOf(key) !== keys.lastIndexOf(key);
    result.push(isShared ? fromExponential(equation, key) : equation);
  });
  return result;
}

/** `exp(-|x|)`, what it is with 1 added, and the logarithm of that. */
interface Exponential {
  readonly value: Value;
  readonly onePlus: Value;
  readonly log1p: Value;
}

const zero = literal(0, 'float32');
const one = literal(1, 'float32');

/** Texts for atoms which are the same where the equations say that two differ in the sign alone. */
function magnitudes(equations: readonly KernelEquation[]): (atom: Atom) => string {
  const known = new Map<Atom | number, string>();
  const magnitudeOf = (atom: Atom): string => {
    const key = atom.kind === 'value' ? atom.id : atom;
    if (!known.has(key)) known.set(key, `${known.size}`);
    return known.get(key) as string;
  };
  for (const { kernel, inputs, outputs } of equations) {
    const [a, b] = inputs as [Atom, Atom];
    const { id } = outputs[0] as Value;
    if (kernel === 'Neg') known.set(id, magnitudeOf(a));
    if (kernel !== 'Multiply') continue;
    const [x, factor] = a.kind === 'literal' ? [b, a] : [a, b];
    if (factor.kind === 'literal' && sizeOf(factor.shape) === 1) {
      known.set(id, `${Math.abs(factor.values[0] as number)} * ${magnitudeOf(x)}`);
    }
  }
  return magnitudeOf;
}
