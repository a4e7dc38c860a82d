/** Kernels that move elements and compute nothing: all linear. */

import { record } from '@posteriors/backend';
import { reverse, type Tensor, transpose } from '@tensorflow/tfjs-core';
import { registerRule } from '../rule.ts';
import { alignBatched, broadcastTo, ensureBatched, reshapeTo, sumTo } from '../shapes.ts';

type Numbers = readonly number[];

registerRule('Reshape', {
  derivative: { transpose: (_, cotangent, [x]) => reshapeTo(cotangent, x!.shape) },
  batch: ([x], _batched, { shape }, size) => reshapeTo(x!, [size, ...(shape as Numbers)]),
});

registerRule('BroadcastTo', {
  derivative: { transpose: (_, cotangent, [x]) => sumTo(cotangent, x!.shape) },
  batch: ([x], _batched, { shape }, size) =>
    broadcastTo(alignBatched(x!, (shape as Numbers).length), [size, ...(shape as Numbers)]),
});

registerRule('Transpose', {
  derivative: {
    transpose(_, cotangent, _inputs, { perm }) {
      const inverse: number[] = [];
      (perm as Numbers).forEach((from, to) => {
        inverse[from] = to;
      });
      return transpose(cotangent, inverse);
    },
  },
  batch: ([x], _batched, { perm }) => transpose(x!, [0, ...(perm as Numbers).map((axis) => axis + 1)]),
});

registerRule('Reverse', {
  derivative: { transpose: (_, cotangent, _inputs, { dims }) => reverse(cotangent, dims as number[]) },
  batch: ([x], _batched, { dims }) =>
    reverse(
      x!,
      (dims as Numbers).map((axis) => axis + 1),
    ),
});

registerRule('Slice', {
  derivative: {
    transpose(_, cotangent, [x], { begin, size }) {
      const paddings = x!.shape.map((n, i) => {
        const before = (begin as Numbers)[i] as number;
        return [before, n - before - ((size as Numbers)[i] as number)];
      });
      return record('PadV2', [cotangent], { paddings, constantValue: 0 });
    },
  },
  batch: ([x], _batched, { begin, size }, count) =>
    record('Slice', [x!], { begin: [0, ...(begin as Numbers)], size: [count, ...(size as Numbers)] }),
});

registerRule('PadV2', {
  derivative: {
    jvp: ([t], _inputs, _y, { paddings }) =>
      record('PadV2', [t!], { paddings: paddings as Numbers[], constantValue: 0 }),
    transpose: (_, cotangent, [x], { paddings }) =>
      record('Slice', [cotangent], {
        begin: (paddings as Numbers[]).map(([before]) => before as number),
        size: x!.shape,
      }),
  },
  batch: ([x], _batched, { paddings, constantValue }) =>
    record('PadV2', [x!], { paddings: [[0, 0], ...(paddings as Numbers[])], constantValue: constantValue as number }),
});

registerRule('Concat', {
  derivative: {
    transpose(index, cotangent, inputs, attributes) {
      const axis = attributes['axis'] as number;
      const length = (x: Tensor): number => x.shape[axis] as number;
      const offset = inputs.slice(0, index).reduce((sum, x) => sum + length(x), 0);
      const begin = cotangent.shape.map((_, i) => (i === axis ? offset : 0));
      return record('Slice', [cotangent], { begin, size: inputs[index]!.shape });
    },
  },
  batch: (inputs, batched, { axis }, size) =>
    record(
      'Concat',
      inputs.map((x, i) => ensureBatched(x, batched[i] as boolean, size)),
      { axis: (axis as number) + 1 },
    ),
});
