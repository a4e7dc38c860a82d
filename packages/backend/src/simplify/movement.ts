import { kernelEquation as kernel } from '../equations.ts';
import { type Atom, type KernelEquation, newValue, type Program, sameShape, sizeOf, type Value } from '../program.ts';
import { countUses, type Rewritten, rewriteKernels, type Scope } from './rewrite.ts';

/**
 * Joins chains of reshapes and of transposes, makes reshapes of transposes that leave the numbers in their places, and lets matrix products
 * take their operands, and give their result, transposed.
 */
export function joinMovements<Source>(program: Program<Source>): Program<Source> {
  const uses = countUses(program);
  const usedOnce = (atom: Atom): boolean => atom.kind === 'value' && uses.get(atom.id) === 1;
  return rewriteKernels(program, (equation, scope) => rules[equation.kernel]?.(equation, scope, usedOnce) ?? equation);
}

type Numbers = readonly number[];
type Rule = (equation: KernelEquation, scope: Scope, usedOnce: (atom: Atom) => boolean) => Rewritten | undefined;

const output = (equation: KernelEquation): Value => equation.outputs[0] as Value;
const permOf = (equation: KernelEquation): Numbers => equation.attributes['perm'] as Numbers;

const rules: { readonly [kernel: string]: Rule | undefined } = {
  Reshape(equation, scope) {
    const [x] = equation.inputs as [Atom];
    const { shape } = output(equation);
    if (sameShape(x.shape, shape)) return x;
    const inner = scope.definition(x);
    if (inner?.kernel !== 'Reshape') return undefined;
    const [root] = inner.inputs as [Atom];
    return sameShape(root.shape, shape) ? root : kernel('Reshape', [root], { shape }, output(equation));
  },

  Transpose(equation, scope, usedOnce) {
    const [x] = equation.inputs as [Atom];
    const perm = permOf(equation);
    const result = output(equation);
    const inner = scope.definition(x);
    if (inner?.kernel === 'Transpose') {
      const first = permOf(inner);
      const joined = perm.map((axis) => first[axis] as number);
      const root = inner.inputs[0] as Atom;
      if (joined.every((axis, i) => axis === i)) return root;
      return kernel('Transpose', [root], { perm: joined }, result);
    }
    if (staysInPlace(perm, x.shape)) {
      return sameShape(x.shape, result.shape) ? x : kernel('Reshape', [x], { shape: result.shape }, result);
    }
    if (inner?.kernel === 'BatchMatMul' && swapsLastTwo(perm) && usedOnce(x)) {
      const [a, b] = inner.inputs as [Atom, Atom];
      const { transposeA, transposeB } = inner.attributes;
      return kernel('BatchMatMul', [b, a], { transposeA: !transposeB, transposeB: !transposeA }, result);
    }
    return undefined;
  },

  BatchMatMul(equation, scope) {
    const straight = equation.inputs.map((x) => {
      const inner = scope.definition(x);
      return inner?.kernel === 'Transpose' && swapsLastTwo(permOf(inner)) ? (inner.inputs[0] as Atom) : x;
    });
    const [swapsA, swapsB] = straight.map((x, i) => x !== equation.inputs[i]);
    if (!swapsA && !swapsB) return undefined;
    const { transposeA, transposeB } = equation.attributes;
    const attributes = { transposeA: transposeA !== swapsA, transposeB: transposeB !== swapsB };
    return kernel('BatchMatMul', straight, attributes, output(equation));
  },

  BroadcastTo(equation, scope) {
    const [x] = equation.inputs as [Atom];
    const result = output(equation);
    const { shape } = result;
    if (sameShape(x.shape, shape)) return x;
    if (sizeOf(x.shape) === sizeOf(shape)) return kernel('Reshape', [x], { shape }, result);
    const inner = scope.definition(x);
    return inner?.kernel === 'BroadcastTo' ? { ...equation, inputs: inner.inputs } : undefined;
  },

  Sum(equation, scope, usedOnce) {
    const [x] = equation.inputs as [Atom];
    const result = output(equation);
    const axes = equation.attributes['axis'] as Numbers;
    const long = axes.filter((axis) => x.shape[axis] !== 1);
    if (long.length === 0) return kernel('Reshape', [x], { shape: result.shape }, result);
    if (long.length < axes.length) {
      const kept = [...x.shape.keys()].filter((axis) => x.shape[axis] !== 1 || !axes.includes(axis));
      const shape = kept.map((axis) => x.shape[axis] as number);
      const squeezed = newValue({ shape, dtype: x.dtype });
      return [
        kernel('Reshape', [x], { shape }, squeezed),
        kernel('Sum', [squeezed], { axis: long.map((axis) => kept.indexOf(axis)) }, result),
      ];
    }
    const inner = scope.definition(x);
    if (inner?.kernel !== 'Sum' || !usedOnce(x)) return undefined;
    const [whole] = inner.inputs as [Atom];
    const first = inner.attributes['axis'] as Numbers;
    const others = [...whole.shape.keys()].filter((axis) => !first.includes(axis));
    const all = [...first, ...axes.map((axis) => others[axis] as number)].sort((i, j) => i - j);
    return kernel('Sum', [whole], { axis: all }, result);
  },
};

function swapsLastTwo(perm: Numbers): boolean {
  const rank = perm.length;
  return rank >= 2 && perm.every((axis, i) => axis === (i < rank - 2 ? i : 2 * rank - 3 - i));
}

/** Whether a transpose keeps the order of the axes that are longer than 1. */
function staysInPlace(perm: Numbers, shape: Numbers): boolean {
  const long = perm.filter((axis) => shape[axis] !== 1);
  return long.every((axis, i) => i === 0 || axis > (long[i - 1] as number));
}
