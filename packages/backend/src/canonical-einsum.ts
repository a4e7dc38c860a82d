/** `tf.einsum` as sums, transposes, reshapes and matrix products. */
import type { Tensor } from '@tensorflow/tfjs-core';
import { sizeOf } from './program.ts';
import { record } from './trace.ts';
import { reshape, type Translations } from './translation.ts';

/** A tensor and the label of each of its axes. */
interface Labelled {
  readonly tensor: Tensor;
  readonly labels: readonly string[];
}

export const einsumTranslations: Translations = {
  Einsum(inputs, { equation }) {
    const { operands, output } = parse(equation as string, inputs as readonly Tensor[]);
    const needed = (rest: readonly Labelled[]): readonly string[] => [
      ...output,
      ...rest.flatMap(({ labels }) => labels),
    ];
    const product = operands.reduce((a, b, i) => contract(a, b, needed(operands.slice(i + 1))));
    return arrange(summed(product, output), output).tensor;
  },
};

function parse(equation: string, tensors: readonly Tensor[]): { operands: Labelled[]; output: string[] } {
  const fail = (reason: string): never => {
    throw new Error(`einsum: the equation '${equation}' ${reason}`);
  };
  const [left, right, ...more] = equation.replaceAll(/\s/g, '').split('->');
  if (left === undefined || right === undefined || more.length > 0) return fail("needs exactly one '->'");
  if (!/^[a-zA-Z,]*$/.test(left + right)) return fail('has signs other than letters; an ellipsis is not supported');
  const terms = left.split(',');
  if (terms.length !== tensors.length) return fail(`names ${terms.length} tensors, and ${tensors.length} were given`);
  const lengths = new Map<string, number>();
  const operands = terms.map((term, i): Labelled => {
    const tensor = tensors[i] as Tensor;
    const labels = [...term];
    if (labels.length !== tensor.rank) return fail(`names the axes '${term}' of a tensor of shape [${tensor.shape}]`);
    if (new Set(labels).size !== labels.length)
      return fail(`repeats an axis in '${term}'; diagonals are not supported`);
    labels.forEach((label, axis) => {
      const length = tensor.shape[axis] as number;
      const known = lengths.get(label) ?? length;
      if (known !== length) fail(`gives the axis '${label}' the lengths ${known} and ${length}`);
      lengths.set(label, length);
    });
    return { tensor, labels };
  });
  const output = [...right];
  if (new Set(output).size !== output.length) return fail('repeats an axis of the result');
  const unknown = output.find((label) => !lengths.has(label));
  if (unknown !== undefined) return fail(`has the axis '${unknown}' only in the result`);
  return { operands, output };
}

/** The product of two, summed over the axes that are not `needed` any more. */
function contract(left: Labelled, right: Labelled, needed: readonly string[]): Labelled {
  const a = summed(left, [...needed, ...right.labels]);
  const b = summed(right, [...needed, ...left.labels]);
  const shared = a.labels.filter((label) => b.labels.includes(label));
  const batch = shared.filter((label) => needed.includes(label));
  const inner = shared.filter((label) => !needed.includes(label));
  const rows = a.labels.filter((label) => !shared.includes(label));
  const columns = b.labels.filter((label) => !shared.includes(label));
  const labels = [...batch, ...rows, ...columns];
  const lengths = (of: readonly string[]): number[] => of.map((label) => lengthOf(label, a) ?? lengthOf(label, b)!);
  if (inner.length === 0 || a.tensor.dtype !== 'float32') {
    // Products of single elements; of integers there are no other ones everywhere.
    const all = [...labels, ...inner];
    const spread = (x: Labelled): Tensor => {
      const order = all.filter((label) => x.labels.includes(label));
      return reshape(
        arrange(x, order).tensor,
        all.map((label) => lengthOf(label, x) ?? 1),
      );
    };
    return summed({ tensor: record('Multiply', [spread(a), spread(b)]), labels: all }, labels);
  }
  const matrix = (x: Labelled, first: readonly string[], second: readonly string[]): Tensor => {
    const { tensor } = arrange(x, [...batch, ...first, ...second]);
    return reshape(tensor, [...lengths(batch), sizeOf(lengths(first)), sizeOf(lengths(second))]);
  };
  const factors = [matrix(a, rows, inner), matrix(b, inner, columns)];
  const product = record('BatchMatMul', factors, { transposeA: false, transposeB: false });
  return { tensor: reshape(product, lengths(labels)), labels };
}

const lengthOf = (label: string, { tensor, labels }: Labelled): number | undefined =>
  tensor.shape[labels.indexOf(label)];

/** Sums over the axes that are not in `kept`. */
function summed({ tensor, labels }: Labelled, kept: readonly string[]): Labelled {
  const axis = [...labels.keys()].filter((i) => !kept.includes(labels[i] as string));
  if (axis.length === 0) return { tensor, labels };
  return { tensor: record('Sum', [tensor], { axis }), labels: labels.filter((label) => kept.includes(label)) };
}

/** The same axes in another order. */
function arrange({ tensor, labels }: Labelled, order: readonly string[]): Labelled {
  const perm = order.map((label) => labels.indexOf(label));
  if (perm.every((from, to) => from === to)) return { tensor, labels };
  return { tensor: record('Transpose', [tensor], { perm }), labels: order };
}
