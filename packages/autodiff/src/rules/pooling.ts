/** Pools of images. The maximum of a window passes on the derivative of its largest element, of the first if there are several. */

import { record } from '@posteriors/backend';
import { type BatchRule, registerRule } from '../rule.ts';
import { ensureBatched, reshapeTo } from '../shapes.ts';

/** Examples of images are more images. */
const batchPool =
  (kernel: string): BatchRule =>
  ([x], _batched, attributes, size) => {
    const [, images, ...rest] = x!.shape as [number, number, ...number[]];
    const result = record(kernel, [reshapeTo(x!, [size * images, ...rest])], attributes);
    return reshapeTo(result, [size, images, ...result.shape.slice(1)]);
  };

registerRule('MaxPool', {
  derivative: {
    jvp: ([t], [x], _y, attributes) => record('GatherEach', [t!, record('MaxPoolArgmax', [x!], attributes)]),
  },
  batch: batchPool('MaxPool'),
});

registerRule('MaxPoolArgmax', { derivative: 'zero', batch: batchPool('MaxPoolArgmax') });

registerRule('AvgPool', {
  derivative: {
    transpose: (_, cotangent, [x], attributes) =>
      record('AvgPoolTranspose', [cotangent], { ...attributes, size: x!.shape.slice(1, 3) }),
  },
  batch: batchPool('AvgPool'),
});

registerRule('AvgPoolTranspose', {
  derivative: {
    transpose: (_, cotangent, _inputs, { size: _size, ...attributes }) => record('AvgPool', [cotangent], attributes),
  },
  batch: batchPool('AvgPoolTranspose'),
});

/** Both operands have a leading axis, along which those of examples are joined. */
const batchEach =
  (kernel: string): BatchRule =>
  (inputs, batched, attributes, size) => {
    const joined = inputs.map((x, i) => {
      const all = ensureBatched(x, batched[i] as boolean, size);
      return reshapeTo(all, [size * (all.shape[1] as number), ...all.shape.slice(2)]);
    });
    const result = record(kernel, joined, attributes);
    return reshapeTo(result, [size, (result.shape[0] as number) / size, ...result.shape.slice(1)]);
  };

registerRule('GatherEach', {
  derivative: {
    transpose: (index, cotangent, [x, places]) =>
      index === 0 ? record('ScatterEach', [cotangent, places!], { shape: x!.shape.slice(1) }) : null,
  },
  batch: batchEach('GatherEach'),
});

registerRule('ScatterEach', {
  derivative: {
    transpose: (index, cotangent, [, places]) => (index === 0 ? record('GatherEach', [cotangent, places!]) : null),
  },
  batch: batchEach('ScatterEach'),
});
