/**
 * Sums over the axes of a product whose factors have each only some of its axes: the product, larger than all of its factors, need not be
 * made.
 *
 * This is how the per-sample structure of a dense layer comes out. The gradient of its weights for one example is an outer product
 * `xᵢ dᵢᵀ`, so that the sum over the examples of gradients is `Xᵀ D`, and that of their squares `(X∘X)ᵀ (D∘D)`: one matrix product each,
 * where the gradients of all examples would be a tensor `[examples, inputs, outputs]` (Goodfellow 2015, https://arxiv.org/abs/1510.01799).
 * Where a weight meets an example more than once, as in a convolution or a recurrent layer, the gradient of an example is a sum of outer
 * products, whose square is no product of squares: there the program stays as it is.
 */
import { type Atom, type KernelEquation, type Program, sizeOf, type Value } from '../program.ts';
import { contracted } from './contract.ts';
import { removeDeadCode } from './dead-code.ts';
import { type Axis, flat, type Label, newLabel, regrouped } from './labels.ts';
import { type Rewritten, rewriteKernels, type Scope } from './rewrite.ts';

/** Replaces sums of products by matrix products wherever these compute fewer numbers, and nothing else needs the product. */
export function contractSums<Source>(program: Program<Source>): Program<Source> {
  const found = contractedBut(new Set(), program);
  if (found.productsOf.size === 0) return program;
  const made = new Set(removeDeadCode(found.program).equations.flatMap(({ outputs }) => outputs.map(({ id }) => id)));
  const needed = [...found.productsOf].filter(([, products]) => products.some((id) => made.has(id)));
  return needed.length === 0 ? found.program : contractedBut(new Set(needed.map(([sum]) => sum)), program).program;
}

/** Contracts all sums but some, and says which products those that were contracted are sums of. */
function contractedBut<Source>(
  kept: ReadonlySet<number>,
  program: Program<Source>,
): { readonly program: Program<Source>; readonly productsOf: ReadonlyMap<number, readonly number[]> } {
  const wide = new Set<number>();
  const productsOf = new Map<number, readonly number[]>();
  const contractedProgram = rewriteKernels(program, (equation, scope) => {
    const { id } = equation.outputs[0] as Value;
    if (isWide(equation, wide)) wide.add(id);
    const [x] = equation.inputs as [Atom];
    if (equation.kernel !== 'Sum' || !isMember(x, wide) || kept.has(id)) return equation;
    const rewritten = contractSum(equation, wide, scope);
    if (rewritten !== equation) productsOf.set(id, productsIn(x, wide, scope));
    return rewritten;
  });
  return { program: contractedProgram, productsOf };
}

/** The products that a value is made of. */
function productsIn(x: Atom, wide: ReadonlySet<number>, scope: Scope, seen = new Set<Atom>()): readonly number[] {
  if (seen.has(x)) return [];
  seen.add(x);
  const equation = isMember(x, wide) ? scope.definition(x) : undefined;
  if (equation === undefined || equation.kernel === 'BroadcastTo') return [];
  const parts = equation.inputs.flatMap((input) => productsIn(input, wide, scope, seen));
  return linear.has(equation.kernel) && parts.length > 0 ? parts : [(x as Value).id];
}

function isMember(atom: Atom, wide: ReadonlySet<number>): boolean {
  return atom.kind === 'value' && wide.has(atom.id);
}

const spreading = new Set(['BatchMatMul', 'Multiply', 'BroadcastTo']);
const linear = new Set(['Reshape', 'Transpose', 'Neg', 'Add', 'Sub', 'Multiply', 'Square']);

/** Whether what an equation computes is larger than what it is a product or a repetition of, or is made of what is. */
function isWide({ kernel, inputs, outputs }: KernelEquation, wide: ReadonlySet<number>): boolean {
  const output = outputs[0] as Value;
  if (output.dtype !== 'float32') return false;
  if (linear.has(kernel) && inputs.some((input) => isMember(input, wide))) return true;
  return spreading.has(kernel) && sizeOf(output.shape) > inputs.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
}

/** A factor of a product: an atom, and the labels that each of its axes stands for. */
interface Factor {
  readonly atom: Atom;
  readonly axes: readonly Axis[];
}

interface Term {
  readonly coefficient: number;
  readonly factors: readonly Factor[];
  /** Whether it is the outer product of two vectors for each example, or what follows from it. */
  readonly outer: boolean;
}

/** Beyond these there is nothing to gain. */
const [mostTerms, mostFactors] = [4, 8];
/** Values that are looked at for one sum. */
const mostVisits = 64;

function contractSum(equation: KernelEquation, wide: ReadonlySet<number>, scope: Scope): Rewritten {
  const [x] = equation.inputs as [Atom];
  const output = equation.outputs[0] as Value;
  const summed = equation.attributes['axis'] as readonly number[];
  if (sizeOf(x.shape) === 0) return equation;
  const axes = x.shape.map((size, axis): Axis => (size === 1 ? [] : [newLabel(size, summed.includes(axis))]));
  const visits = { left: mostVisits };
  const terms = expanded(x, axes, wide, scope, visits);
  if (visits.left < 0 || terms[0]?.factors[0]?.atom === x) return equation;
  const kept = axes.filter((_, axis) => !summed.includes(axis)).flatMap(flat);
  const equations = contracted(
    terms.map(({ coefficient, factors }) => ({
      coefficient,
      factors: factors.map((factor) => ({ atom: factor.atom, axes: factor.axes.flatMap(flat) })),
    })),
    axes.filter((_, axis) => summed.includes(axis)).flatMap(flat),
    kept,
    output,
    // Rounding must not make a sum of squares negative.
    terms.length > 1 && isSquare(x, scope),
  );
  if (equations === null) return equation;
  const computed = equations.reduce(
    (sum, { kernel, outputs }) => sum + (kernel === 'Reshape' ? 0 : sizeOf(outputs[0]!.shape)),
    0,
  );
  return computed < sizeOf(x.shape) ? equations : equation;
}

function isSquare(atom: Atom, scope: Scope): boolean {
  const equation = scope.definition(atom);
  if (equation?.kernel === 'Reshape') return isSquare(equation.inputs[0] as Atom, scope);
  return equation?.kernel === 'Square';
}

/** An atom as a sum of products of smaller ones. What is read in several places is visited as often: `visits` ends that. */
function expanded(
  atom: Atom,
  axes: readonly Axis[],
  wide: ReadonlySet<number>,
  scope: Scope,
  visits: { left: number },
): readonly Term[] {
  const whole: readonly Term[] = [{ coefficient: 1, factors: [{ atom, axes }], outer: false }];
  const equation = scope.definition(atom);
  if (equation === undefined || !isMember(atom, wide) || --visits.left < 0) return whole;
  const { inputs, attributes } = equation;
  const [a, b] = inputs as [Atom, Atom];
  const terms = (input: Atom, inputAxes: readonly Axis[]): readonly Term[] =>
    expanded(input, inputAxes, wide, scope, visits);
  /** Of an operand that is broadcast. */
  const operand = (input: Atom): readonly Term[] => {
    const own = axes.slice(axes.length - input.shape.length);
    return terms(
      input,
      own.map((axis, i) => (input.shape[i] === 1 ? [] : axis)),
    );
  };
  switch (equation.kernel) {
    case 'Reshape': {
      const inputAxes = regrouped(axes.flatMap(flat), a.shape);
      return inputAxes === null ? whole : terms(a, inputAxes);
    }
    case 'Transpose': {
      const perm = attributes['perm'] as readonly number[];
      return terms(
        a,
        a.shape.map((_, axis) => axes[perm.indexOf(axis)] as Axis),
      );
    }
    case 'BroadcastTo':
      return operand(a);
    case 'Neg':
      return operand(a).map(negated);
    case 'Add':
      return sum(operand(a), operand(b)) ?? whole;
    case 'Sub':
      return sum(operand(a), operand(b).map(negated)) ?? whole;
    case 'Multiply':
      return (a === b ? product(operand(a), null) : product(operand(a), operand(b))) ?? whole;
    case 'Square':
      return product(operand(a), null) ?? whole;
    default: {
      const rank = axes.length;
      const length = a.shape[attributes['transposeA'] ? rank - 2 : rank - 1] as number;
      const inner: Axis = length === 1 ? [] : [newLabel(length, true, true)];
      const [rows, columns] = axes.slice(-2) as [Axis, Axis];
      const batch = axes.slice(0, -2);
      /** The matrix, or what it repeats. */
      const matrix = (input: Atom, inputAxes: readonly Axis[]): readonly Factor[] => {
        const [first, ...others] = terms(input, inputAxes) as [Term, ...Term[]];
        const isMatrix = others.length === 0 && first.factors.length === 1 && first.coefficient === 1;
        return isMatrix ? first.factors : [{ atom: input, axes: inputAxes }];
      };
      const factors = [
        ...matrix(a, [...batch, ...(attributes['transposeA'] ? [inner, rows] : [rows, inner])]),
        ...matrix(b, [...batch, ...(attributes['transposeB'] ? [columns, inner] : [inner, columns])]),
      ];
      // Where both repeat what they have along the inner axis, its length would be lost.
      const has = (label: Label): boolean => factors.some((factor) => factor.axes.flatMap(flat).includes(label));
      return flat(inner).every(has) ? [{ coefficient: 1, factors, outer: length === 1 && batch.length > 0 }] : whole;
    }
  }
}

function negated(term: Term): Term {
  return { ...term, coefficient: -term.coefficient };
}

/**
 * The terms of a sum; null where numbers could be lost. To sum terms apart is exact enough where outer products, one for each example, meet what is
 * the same for all of them, as the gradient of a prior is, but takes the digits from differences that are small.
 */
function sum(a: readonly Term[], b: readonly Term[]): readonly Term[] | null {
  const terms = [...a, ...b];
  const varied = terms.filter((term) => someLabel(term, ({ summed }) => summed));
  return varied.length === 1 && (varied[0] as Term).outer ? terms : null;
}

/** The product of two sums, or the square of one; null where there is nothing to gain. */
function product(a: readonly Term[], b: readonly Term[] | null): readonly Term[] | null {
  // The square of a sum over a label of its own is no sum over that label.
  if (b === null && a.some((term) => someLabel(term, ({ bound }) => bound))) return null;
  const terms = a.flatMap((x) =>
    (b ?? a).map((y) => ({
      coefficient: x.coefficient * y.coefficient,
      factors: [...x.factors, ...y.factors],
      outer: x.outer || y.outer,
    })),
  );
  return terms.length > mostTerms || terms.some(({ factors }) => factors.length > mostFactors) ? null : terms;
}

function someLabel({ factors }: Term, test: (label: Label) => boolean): boolean {
  return factors.some(({ axes }) => axes.some((axis) => flat(axis).some(test)));
}
