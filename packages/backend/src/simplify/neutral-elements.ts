import { kernelEquation as kernel } from '../equations.ts';
import { type Atom, type KernelEquation, literal, type Program, sameShape, sizeOf, type Value } from '../program.ts';
import { uniformValue } from './constants.ts';
import { type Rewritten, rewriteKernels, type Scope } from './rewrite.ts';

/**
 * Takes out what changes nothing (`x * 1`, `x / 1`, `x - 0`, `x + -0`, `-(-x)`, choices that are known), and pulls signs and powers of two together.
 * What is left gives the same to the bit, also for -0, infinities and NaN; only where a product on the way would have been too large or too
 * small for float32 is it more exact. `x + 0` stays, as it makes 0 of -0.
 */
export function removeNeutralElements<Source>(program: Program<Source>): Program<Source> {
  return rewriteKernels(program, (equation, scope) => rules[equation.kernel]?.(equation, scope) ?? equation);
}

type Rule = (equation: KernelEquation, scope: Scope) => Rewritten | undefined;

const output = (equation: KernelEquation): Value => equation.outputs[0] as Value;

/** The atom, if it has all of the shape and the dtype of the result. */
function alone(atom: Atom, { shape, dtype }: Value): Atom | undefined {
  return atom.dtype === dtype && sameShape(atom.shape, shape) ? atom : undefined;
}

/** The input of the kernel that defines an atom, if it is this kernel. */
function inputOf(kernelName: string, atom: Atom, scope: Scope): Atom | undefined {
  const definition = scope.definition(atom);
  return definition?.kernel === kernelName ? definition.inputs[0] : undefined;
}

/** `x * c`, where `c` is a literal of one number and float32. */
function scaled(atom: Atom, scope: Scope): { readonly x: Atom; readonly factor: number } | undefined {
  const definition = scope.definition(atom);
  if (definition?.kernel !== 'Multiply' || atom.dtype !== 'float32') return undefined;
  const [a, b] = definition.inputs as [Atom, Atom];
  const [x, c] = a.kind === 'literal' ? [b, a] : [a, b];
  if (c.kind !== 'literal' || sizeOf(c.shape) !== 1 || !sameShape(x.shape, atom.shape)) return undefined;
  return { x, factor: c.values[0] as number };
}

function isPowerOfTwo(x: number): boolean {
  return Number.isInteger(Math.log2(Math.abs(x)));
}

/** Whether float32 has all of its digits at a number. */
function isNormal(x: number): boolean {
  return Math.abs(x) >= 2 ** -126 && Math.abs(x) < 2 ** 127;
}

const rules: { readonly [kernel: string]: Rule | undefined } = {
  Multiply(equation, scope) {
    const result = output(equation);
    const [a, b] = equation.inputs as [Atom, Atom];
    for (const [x, other] of [
      [a, b],
      [b, a],
    ] as const) {
      const factor = uniformValue(other);
      if (factor === 1) return alone(x, result);
      if (result.dtype !== 'float32') continue;
      if (factor === -1 && alone(x, result) !== undefined) return kernel('Neg', [x], {}, result);
      const positive = inputOf('Neg', x, scope);
      if (positive !== undefined && factor !== undefined && other.kind === 'literal' && sizeOf(other.shape) === 1) {
        return kernel('Multiply', [positive, literal(-factor, 'float32', other.shape)], {}, result);
      }
      const inner = scaled(x, scope);
      if (inner === undefined) continue;
      const joint = inner.factor * (factor ?? 1);
      if (factor !== undefined && isNormal(joint) && (isPowerOfTwo(inner.factor) || isPowerOfTwo(factor))) {
        return kernel('Multiply', [inner.x, literal(joint, 'float32', other.shape)], {}, result);
      }
    }
    return undefined;
  },

  RealDiv(equation) {
    const [a, b] = equation.inputs as [Atom, Atom];
    return uniformValue(b) === 1 && a.dtype === 'float32' ? alone(a, output(equation)) : undefined;
  },

  Add(equation, scope) {
    const [a, b] = equation.inputs as [Atom, Atom];
    if (isZero(a, -0)) return alone(b, output(equation));
    if (isZero(b, -0)) return alone(a, output(equation));
    const [negatedA, negatedB] = [a, b].map((x) => inputOf('Neg', x, scope));
    if (negatedB !== undefined) return { ...equation, kernel: 'Sub', inputs: [a, negatedB] };
    return negatedA === undefined ? undefined : { ...equation, kernel: 'Sub', inputs: [b, negatedA] };
  },

  Sub(equation, scope) {
    const [a, b] = equation.inputs as [Atom, Atom];
    if (isZero(b, 0)) return alone(a, output(equation));
    const negated = inputOf('Neg', b, scope);
    return negated === undefined ? undefined : { ...equation, kernel: 'Add', inputs: [a, negated] };
  },

  Neg(equation, scope) {
    const [x] = equation.inputs as [Atom];
    const positive = inputOf('Neg', x, scope);
    if (positive !== undefined) return positive;
    const inner = scaled(x, scope);
    if (inner === undefined) return undefined;
    return kernel('Multiply', [inner.x, literal(-inner.factor, 'float32')], {}, output(equation));
  },

  Square(equation, scope) {
    const positive = inputOf('Neg', equation.inputs[0] as Atom, scope);
    return positive === undefined ? undefined : { ...equation, inputs: [positive] };
  },

  Select(equation) {
    const [condition, t, e] = equation.inputs as [Atom, Atom, Atom];
    if (t === e) return t;
    const chosen = uniformValue(condition);
    return chosen === undefined ? undefined : chosen ? t : e;
  },

  Cast(equation, scope) {
    const [x] = equation.inputs as [Atom];
    const same = alone(x, output(equation));
    if (same !== undefined) return same;
    // 0 and 1 are the same numbers in each dtype.
    const bits = inputOf('Cast', x, scope);
    return bits?.dtype === 'bool' ? (alone(bits, output(equation)) ?? { ...equation, inputs: [bits] }) : undefined;
  },
};

/** Whether all of a literal is a zero with this sign; that of an integer has none. */
function isZero(atom: Atom, zero: number): boolean {
  const value = uniformValue(atom);
  return atom.dtype === 'float32' ? Object.is(value, zero) : value === 0;
}
