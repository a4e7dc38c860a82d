/** Sums of products of labelled factors, by matrix products, elementwise ones and sums. */
import { type Apply, applying, kernelEquation } from '../equations.ts';
import { type Atom, type KernelEquation, literal, sizeOf, type Value } from '../program.ts';
import type { Axis, Label } from './labels.ts';

/** An atom whose elements, in row-major order, run over these labels. */
interface Factor {
  readonly atom: Atom;
  readonly axes: Axis;
}

interface Term {
  readonly coefficient: number;
  readonly factors: readonly Factor[];
}

/**
 * Equations for the sum of the terms, each summed over the labels of `summed` and those that are bound in it, with the labels of `kept` as
 * axes; the last one defines `output`. Null where a term takes more than products of two factors.
 */
export function contracted(
  terms: readonly Term[],
  summed: Axis,
  kept: Axis,
  output: Value,
  isPositive: boolean,
): readonly KernelEquation[] | null {
  const equations: KernelEquation[] = [];
  const apply = applying(equations);
  let total: Atom | undefined;
  for (const { coefficient, factors } of alike(terms)) {
    const repetitions = summed.filter((label) => !factors.some(({ axes }) => axes.includes(label)));
    const result = contractedTerm(factors, kept, apply);
    if (result === null) return null;
    const scale = coefficient * sizeOf(sizesOf(repetitions));
    const aligned = arranged(result, [kept], apply);
    const shape = kept.map((label) => (result.axes.includes(label) ? label.size : 1));
    const whole = apply('Reshape', [aligned], shape, { shape });
    const scaled = scale === 1 ? whole : apply('Multiply', [whole, literal(scale, 'float32')], shape);
    const sum = (a: Atom): Value =>
      apply(
        'Add',
        [a, scaled],
        shape.map((n, i) => Math.max(n, a.shape[i] as number)),
      );
    total = total === undefined ? scaled : sum(total);
  }
  const shape = sizesOf(kept);
  if (`${total?.shape}` !== `${shape}`) total = apply('BroadcastTo', [total as Atom], shape, { shape });
  if (isPositive) total = apply('Maximum', [total as Atom, literal(0, 'float32')], shape);
  equations.push(kernelEquation('Reshape', [total as Atom], { shape: output.shape }, output));
  return equations;
}

function sizesOf(axis: Axis): number[] {
  return axis.map(({ size }) => size);
}

/** The terms, those of the same factors together. */
function alike(terms: readonly Term[]): readonly Term[] {
  const ids = new Map<unknown, number>();
  const idOf = (key: unknown): number => {
    if (!ids.has(key)) ids.set(key, ids.size);
    return ids.get(key) as number;
  };
  const keyOf = ({ atom, axes }: Factor): string => `${idOf(atom.kind === 'value' ? atom.id : atom)}:${axes.map(idOf)}`;
  const sums = new Map<string, Term>();
  for (const term of terms) {
    const key = term.factors.map(keyOf).sort().join();
    sums.set(key, { ...term, coefficient: term.coefficient + (sums.get(key)?.coefficient ?? 0) });
  }
  const some = [...sums.values()].filter(({ coefficient }) => coefficient !== 0);
  return some.length > 0 ? some : [...sums.values()].slice(0, 1);
}

function contractedTerm(given: readonly Factor[], kept: Axis, apply: Apply): Factor | null {
  let factors = reduced(given, apply);
  while (factors.length > 1) {
    const pair = pairToContract(factors) ?? (factors.length === 2 ? factors : undefined);
    if (pair === undefined) return null;
    // The one with the first axis that is not of both is on the left.
    const [first, second] = pair as [Factor, Factor];
    const leading = kept.find((label) => first.axes.includes(label) !== second.axes.includes(label));
    const isLeft = leading === undefined || first.axes.includes(leading);
    const others = factors.filter((factor) => !pair.includes(factor));
    const joint = isLeft ? productOf(first, second, others, apply) : productOf(second, first, others, apply);
    factors = reduced([...others, joint], apply);
  }
  return factors[0] as Factor;
}

/** As few factors as elementwise products and sums make of them. */
function reduced(given: readonly Factor[], apply: Apply): readonly Factor[] {
  let factors = given;
  for (let count = Number.POSITIVE_INFINITY; factors.length < count; ) {
    count = factors.length;
    factors = summedAlone(merged(factors, apply), apply);
  }
  return factors;
}

/** Two factors with labels to sum over that no other has. */
function pairToContract(factors: readonly Factor[]): readonly Factor[] | undefined {
  for (const label of factors.flatMap(({ axes }) => axes)) {
    const having = factors.filter(({ axes }) => axes.includes(label));
    if (label.summed && having.length === 2) return having;
  }
  return undefined;
}

/** Multiplies factors by those that have all of their labels: equal ones first, then small ones. */
function merged(given: readonly Factor[], apply: Apply): readonly Factor[] {
  const bySize = (a: Factor, b: Factor): number => sizeOf(sizesOf(a.axes)) - sizeOf(sizesOf(b.axes));
  const factors = [...given].sort(bySize);
  for (const test of [isEqual, isPart]) {
    for (let i = 0; i < factors.length; i++) {
      const factor = factors[i] as Factor;
      const j = factors.findIndex((other, k) => k > i && test(factor, other));
      if (j < 0) continue;
      const other = factors[j] as Factor;
      factors[j] = { atom: multiplied(factor, other, apply), axes: other.axes };
      factors.splice(i--, 1);
    }
  }
  return factors;
}

function isPart(a: Factor, b: Factor): boolean {
  return a.axes.every((label) => b.axes.includes(label));
}

function isEqual(a: Factor, b: Factor): boolean {
  return a.atom === b.atom && a.axes.length === b.axes.length && a.axes.every((label, i) => label === b.axes[i]);
}

/** `small` times `large`, whose labels include those of `small`, in its order. */
function multiplied(small: Factor, large: Factor, apply: Apply): Value {
  const shape = sizesOf(large.axes);
  const aligned = apply('Reshape', [large.atom], shape, { shape });
  const own = large.axes.map((label) => (small.axes.includes(label) ? label.size : 1));
  const operand = apply('Reshape', [arranged(small, [large.axes], apply)], own, { shape: own });
  return isEqual(small, large) ? apply('Square', [aligned], shape) : apply('Multiply', [aligned, operand], shape);
}

/** Sums each factor over summed labels that no other has. */
function summedAlone(factors: readonly Factor[], apply: Apply): readonly Factor[] {
  return factors.map((factor) => {
    const isAlone = (label: Label): boolean =>
      label.summed && factors.every((other) => other === factor || !other.axes.includes(label));
    if (!factor.axes.some(isAlone)) return factor;
    const shape = sizesOf(factor.axes);
    const labelled = apply('Reshape', [factor.atom], shape, { shape });
    const axis = factor.axes.flatMap((label, i) => (isAlone(label) ? [i] : []));
    const axes = factor.axes.filter((label) => !isAlone(label));
    return { atom: apply('Sum', [labelled], sizesOf(axes), { axis }), axes };
  });
}

/** The product of two factors, summed over the summed labels that both have and no other has. */
function productOf(a: Factor, b: Factor, others: readonly Factor[], apply: Apply): Factor {
  const both = a.axes.filter((label) => b.axes.includes(label));
  const inner = both.filter((label) => label.summed && !others.some(({ axes }) => axes.includes(label)));
  const batch = both.filter((label) => !inner.includes(label));
  const rows = a.axes.filter((label) => !both.includes(label));
  const columns = b.axes.filter((label) => !both.includes(label));
  const left = matrixOf(a, batch, inner, rows, apply);
  const right = matrixOf(b, batch, inner, columns, apply);
  const [count, height, width] = [batch, rows, columns].map((axis) => sizeOf(sizesOf(axis))) as [
    number,
    number,
    number,
  ];
  const shape = batch.length === 0 ? [height, width] : [count, height, width];
  const attributes = { transposeA: left.innerFirst, transposeB: !right.innerFirst };
  const atom = apply('BatchMatMul', [left.matrix, right.matrix], shape, attributes);
  return { atom, axes: [...batch, ...rows, ...columns] };
}

/** A factor as matrices, with the inner axis last where that is how it lies in memory, else first. */
function matrixOf(
  factor: Factor,
  batch: Axis,
  inner: Axis,
  outer: Axis,
  apply: Apply,
): { readonly matrix: Value; readonly innerFirst: boolean } {
  const isOrder = (...labels: Axis): boolean => labels.every((label, i) => label === factor.axes[i]);
  const innerFirst = !isOrder(...batch, ...outer, ...inner);
  const axes = innerFirst ? [inner, outer] : [outer, inner];
  const shape = [...(batch.length === 0 ? [] : [batch]), ...axes].map((axis) => sizeOf(sizesOf(axis)));
  const matrix = apply('Reshape', [arranged(factor, [batch, ...axes], apply)], shape, { shape });
  return { matrix, innerFirst };
}

/** The atom with its labels in this order, those that it lacks left out. */
function arranged({ atom, axes }: Factor, order: readonly Axis[], apply: Apply): Atom {
  const wanted = order.flat().filter((label) => axes.includes(label));
  const perm = wanted.map((label) => axes.indexOf(label));
  if (perm.every((axis, i) => axis === i)) return atom;
  const shape = sizesOf(axes);
  const labelled = apply('Reshape', [atom], shape, { shape });
  return apply('Transpose', [labelled], sizesOf(wanted), { perm });
}
