/** Reductions and cumulative kernels. */

import { type Attributes, record } from '@posteriors/backend';
import {
  cast,
  cumprod,
  cumsum,
  div,
  equal,
  eye,
  greater,
  greaterEqual,
  less,
  lessEqual,
  mul,
  prod,
  range,
  reshape,
  softmax,
  sub,
  sum,
  type Tensor,
  transpose,
  where,
} from '@tensorflow/tfjs-core';
import { type BatchRule, type JvpRule, registerRule } from '../rule.ts';
import { broadcastTo, moveAxis, reshapeTo } from '../shapes.ts';

const axesOf = (attributes: Attributes): readonly number[] => attributes['axis'] as readonly number[];

const batchReduction =
  (kernel: string): BatchRule =>
  ([x], _batched, attributes) =>
    record(kernel, [x!], { ...attributes, axis: axesOf(attributes).map((axis) => axis + 1) });

const batchAlongAxis =
  (kernel: string): BatchRule =>
  ([x], _batched, attributes) =>
    record(kernel, [x!], { ...attributes, axis: (attributes['axis'] as number) + 1 });

/** The result of a reduction, repeated along the axes that it summed over. */
function spread(y: Tensor, shape: readonly number[], axes: readonly number[]): Tensor {
  return broadcastTo(
    reshapeTo(
      y,
      shape.map((n, i) => (axes.includes(i) ? 1 : n)),
    ),
    shape,
  );
}

registerRule('Sum', {
  derivative: { transpose: (_, cotangent, [x], attributes) => spread(cotangent, x!.shape, axesOf(attributes)) },
  batch: batchReduction('Sum'),
});

/** The tangent of the extreme element; ties share it evenly. */
const extreme: JvpRule = ([t], [x], y, attributes) => {
  const axes = axesOf(attributes);
  const attained = cast(equal(x!, spread(y, x!.shape, axes)), 'float32');
  return div(sum(mul(t!, attained), axes as number[]), sum(attained, axes as number[]));
};

for (const kernel of ['Max', 'Min'])
  registerRule(kernel, { derivative: { jvp: extreme }, batch: batchReduction(kernel) });
for (const kernel of ['All', 'Any']) registerRule(kernel, { derivative: 'zero', batch: batchReduction(kernel) });
for (const kernel of ['ArgMax', 'ArgMin']) registerRule(kernel, { derivative: 'zero', batch: batchAlongAxis(kernel) });

/** `x` with the given axes last, as `[..., 1, n]`, n the product of their lengths. */
function rows(x: Tensor, axes: readonly number[]): Tensor {
  const kept = [...x.shape.keys()].filter((i) => !axes.includes(i));
  const moved = transpose(x, [...kept, ...axes]);
  return reshape(moved, [
    ...kept.map((i) => x.shape[i] as number),
    1,
    axes.reduce((n, i) => n * (x.shape[i] as number), 1),
  ]);
}

/** `[..., 1, n]` as `[..., n, n]` with ones on the diagonal: row j lacks factor j, which stays right where factors are zero. */
function withoutEach(x: Tensor): Tensor {
  const n = x.shape[x.rank - 1] as number;
  const shape = [...x.shape.slice(0, -2), n, n];
  const diagonal = broadcastTo(cast(eye(n), 'bool'), shape);
  return where(diagonal, broadcastTo(eye(n), shape), broadcastTo(x, shape));
}

registerRule('Prod', {
  derivative: {
    jvp([t], [x], y, attributes) {
      const others = prod(withoutEach(rows(x!, axesOf(attributes))), -1);
      return reshapeTo(sum(mul(reshapeTo(rows(t!, axesOf(attributes)), others.shape), others), -1), y.shape);
    },
  },
  batch: batchReduction('Prod'),
});

registerRule('Cumsum', {
  derivative: {
    transpose: (_, cotangent, _inputs, { axis, exclusive, reverse }) =>
      cumsum(cotangent, axis as number, exclusive as boolean, !reverse),
  },
  batch: batchAlongAxis('Cumsum'),
});

registerRule('Cumprod', {
  derivative: {
    jvp([t], [x], y, { axis, exclusive, reverse }) {
      const along = rows(x!, [axis as number]);
      const n = along.shape[along.rank - 1] as number;
      const others = cumprod(withoutEach(along), along.rank - 1, exclusive as boolean, reverse as boolean);
      const factor = reshape(range(0, n), [n, 1]);
      const result = range(0, n);
      const before = exclusive ? (reverse ? greater : less) : reverse ? greaterEqual : lessEqual;
      const counts = cast(before(factor, result), 'float32');
      const column = moveAxis(rows(t!, [axis as number]), along.rank - 1, along.rank - 2);
      const tangent = sum(mul(mul(column, others), counts), along.rank - 2);
      return moveAxis(tangent, y.rank - 1, axis as number);
    },
  },
  batch: batchAlongAxis('Cumprod'),
});

registerRule('Softmax', {
  derivative: { jvp: ([t], _inputs, y) => mul(y, sub(t!, sum(mul(t!, y), -1, true))) },
  batch: ([x]) => softmax(x!),
});
