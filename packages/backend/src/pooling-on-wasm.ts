/** Pools of images on wasm, of float32 and on canonical attributes. */
import { assembly } from './assembly.ts';
import { type Address, type Call, type CallsOf, call, input, result } from './calls.ts';
import { pooledShape, windowsOf } from './kernels-pooling.ts';
import type { Attributes } from './program.ts';

type Numbers = readonly number[];

/** What `assembly` does with windows, in its order. */
const kinds = ['maxima', 'places', 'means', 'spread'] as const;
type Kind = (typeof kinds)[number];

function poolCall(
  kind: Kind,
  [pooled, images]: readonly [pooled: Address, images: Address],
  [shapeOfPooled, shape]: readonly [pooled: Numbers, images: Numbers],
  attributes: Attributes,
): Call {
  const windows = windowsOf(attributes);
  return call(
    assembly,
    'pool',
    ...[kinds.indexOf(kind), pooled, images, ...shape, ...shapeOfPooled.slice(1, 3)],
    ...windows.map(({ size }) => size),
    ...windows.map(({ stride }) => stride),
    ...windows.map(({ before }) => before),
  );
}

/** Maxima of windows, NaN where one holds it; where they lie; or means. Of float32. */
export const pool =
  (kind: 'maxima' | 'places' | 'means'): CallsOf =>
  ({ inputs: [x], attributes }) => {
    if (x!.dtype !== 'float32') return undefined;
    const shape = pooledShape(x!.shape, attributes);
    return {
      result: { shape, dtype: kind === 'places' ? 'int32' : 'float32' },
      calls: [poolCall(kind, [result(), input(0)], [shape, x!.shape], attributes)],
    };
  };

/** The transpose of the means. */
export const spread: CallsOf = ({ inputs: [dy], attributes }) => {
  const [batch, , , channels] = dy!.shape as [number, number, number, number];
  const shape = [batch, ...(attributes['size'] as Numbers), channels];
  return {
    result: { shape, dtype: 'float32' },
    calls: [poolCall('spread', [input(0), result()], [dy!.shape, shape], attributes)],
  };
};
