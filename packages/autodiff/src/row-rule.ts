/** Which kernels treat the slices of their operands along axis 0 apart. */

import type { Atom, Attributes, KernelEquation } from '@posteriors/backend';
import { ruleOf } from './rule.ts';

/** An equation for one slice: the inputs that must be slices, where others are whole, and the attributes. */
export interface RowEquation {
  readonly rows: readonly boolean[];
  readonly attributes: Attributes;
}

type Numbers = readonly number[];
type RowRule = (equation: KernelEquation, rows: readonly boolean[], size: number) => RowEquation | null;

const rules = new Map<string, RowRule>();

/**
 * The equation for one slice along axis 0, with that axis of length 1, of `size`; null if slices meet, or the kernel is not known to keep
 * them apart. `rows` says which inputs carry slices; at least one does.
 */
export function cutEquation(equation: KernelEquation, rows: readonly boolean[], size: number): RowEquation | null {
  const rule = rules.get(equation.kernel) ?? (isElementwise(equation.kernel) ? elementwise : undefined);
  return rule?.(equation, rows, size) ?? null;
}

function isElementwise(kernel: string): boolean {
  const { derivative } = ruleOf(kernel, 'byRows');
  return derivative !== 'zero' && derivative.partials !== undefined;
}

function define(names: string, rule: RowRule): void {
  for (const name of names.split(' ')) rules.set(name, rule);
}

/** What has the length of axis 0 there is cut; what has not is repeated for each slice. */
const elementwise: RowRule = ({ inputs, outputs, attributes }, rows, size) => {
  const rank = outputs[0]!.shape.length;
  const aligned = inputs.map(({ shape }) => shape.length === rank && shape[0] === size);
  return rows.every((row, i) => !row || aligned[i]) ? { rows: aligned, attributes } : null;
};

/** The same equation, of slices in these inputs, if the attributes allow it. */
const apartIf =
  (rowsOf: (inputs: readonly Atom[]) => readonly boolean[], apart: (attributes: Attributes) => boolean): RowRule =>
  ({ inputs, attributes }) =>
    apart(attributes) ? { rows: rowsOf(inputs), attributes } : null;

const each = (inputs: readonly Atom[]): readonly boolean[] => inputs.map(() => true);
const first = (inputs: readonly Atom[]): readonly boolean[] => inputs.map((_, i) => i === 0);

define('Ceil Floor FloorDiv Round Sign Step IsFinite IsInf IsNan LogicalNot StopGradient', elementwise);
define('Equal NotEqual Greater GreaterEqual Less LessEqual LogicalAnd LogicalOr', elementwise);
define('Neg Identity Multiply RealDiv Select Cast', elementwise);

define(
  'Sum Max Min Prod All Any',
  apartIf(each, ({ axis }) => !(axis as Numbers).includes(0)),
);
define(
  'ArgMax ArgMin Cumsum Cumprod Concat',
  apartIf(each, ({ axis }) => axis !== 0),
);
define(
  'Transpose',
  apartIf(each, ({ perm }) => (perm as Numbers)[0] === 0),
);
define(
  'Reverse',
  apartIf(each, ({ dims }) => !(dims as Numbers).includes(0)),
);
define(
  'PadV2',
  apartIf(each, ({ paddings }) => (paddings as readonly Numbers[])[0]!.every((n) => n === 0)),
);
define('Softmax', ({ inputs, attributes }) => (inputs[0]!.shape.length > 1 ? { rows: [true], attributes } : null));

const ofOne = (shape: Numbers): Numbers => [1, ...shape.slice(1)];

define('Reshape', ({ attributes }, _rows, size) => {
  const shape = attributes['shape'] as Numbers;
  return shape[0] === size ? { rows: [true], attributes: { shape: ofOne(shape) } } : null;
});
define('BroadcastTo', ({ inputs, attributes }) => {
  const shape = attributes['shape'] as Numbers;
  return inputs[0]!.shape.length === shape.length ? { rows: [true], attributes: { shape: ofOne(shape) } } : null;
});
define('Slice', ({ attributes }, _rows, size) => {
  const lengths = attributes['size'] as Numbers;
  return lengths[0] === size ? { rows: [true], attributes: { ...attributes, size: ofOne(lengths) } } : null;
});

define('BatchMatMul', ({ inputs, attributes }, rows, size) => {
  const [a, b] = inputs.map(({ shape }) => shape) as [Numbers, Numbers];
  if (a.length === 2) return rows[1] || attributes['transposeA'] ? null : { rows: [true, false], attributes };
  const aligned = [a, b].map(
    (shape) => shape.length > 2 && shape.length === Math.max(a.length, b.length) && shape[0] === size,
  );
  return rows.every((row, i) => !row || aligned[i]) ? { rows: aligned, attributes } : null;
});

/** Images along axis 0, and filters that all of them share. */
define('Conv2D Conv3D DepthwiseConv2dNative', ({ inputs, attributes }, rows) => {
  const images = inputs[0]!.shape.length === (attributes['strides'] as Numbers).length + 2;
  return images && !rows[1] ? { rows: [true, false], attributes } : null;
});
define(
  'MaxPool AvgPool',
  apartIf(first, () => true),
);

/** Rows of a table by indices that are rows, or elements of each row by indices that all share. */
define('GatherV2', ({ attributes }, [x, indices]) => {
  if (x && indices) return null;
  if (indices) return attributes['axis'] === 0 ? { rows: [false, true], attributes } : null;
  return attributes['axis'] === 0 ? null : { rows: [true, false], attributes };
});
define(
  'GatherEach',
  apartIf(each, () => true),
);
