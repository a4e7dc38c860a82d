/** tfjs's kernels that order, search, select and replace elements. */
import { linalg, logSoftmax, type Tensor, Variable } from '@tensorflow/tfjs-core';
import { broadcastShape } from './kernels.ts';
import { type DataType, sizeOf } from './program.ts';
import { constant, record } from './trace.ts';
import { literalOf, Tracer } from './tracer.ts';
import {
  absoluteAxis,
  broadcastTo,
  cast,
  named,
  type RawAttributes,
  reshape,
  scalar,
  slice,
  type Translations,
} from './translation.ts';

/** Integers known now, one below the other. */
function column(values: Iterable<number>): Tensor {
  const list = Int32Array.from(values);
  return constant(list, [list.length, 1], 'int32');
}

const search =
  (from?: 'left' | 'right') =>
  ([sequence, values]: Tensor[], { side }: RawAttributes): Tensor => {
    const both = [sequence!, values!];
    const alike = sequence!.dtype === values!.dtype ? both : both.map((x) => cast(x, 'float32'));
    return record('SearchSorted', alike, { side: from ?? (side as string) });
  };

export const selectionTranslations: Translations = {
  // The elements are gathered, so that they have a derivative.
  TopK: named('x', ([x], attributes) => {
    const k = attributes['k'] as number;
    const length = x!.shape[x!.rank - 1] as number;
    const indices = record('TopKIndices', [x!], { k });
    const rows = sizeOf(x!.shape.slice(0, -1));
    const elements = gatherRows(reshape(x!, [rows, length]), reshape(indices, [rows, k]));
    return [reshape(elements, indices.shape), indices];
  }),
  SearchSorted: named('sortedSequence values', search()),
  LowerBound: named('sortedSequence values', search('left')),
  UpperBound: named('sortedSequence values', search('right')),

  GatherV2: named('x indices', ([x, indices], attributes) => {
    const axis = absoluteAxis((attributes['axis'] as number | undefined) ?? 0, x!.rank);
    const given = (attributes['batchDims'] as number | undefined) ?? 0;
    const batchDims = given < 0 ? given + indices!.rank : given;
    return batchDims === 0
      ? record('GatherV2', [x!, indices!], { axis })
      : gatherWithBatch(x!, indices!, axis, batchDims);
  }),

  TensorScatterUpdate: named('tensor indices updates', ([tensor, indices, updates]) =>
    replace(tensor!, indices!, updates!),
  ),
  SparseToDense: named('sparseIndices sparseValues defaultValue', ([indices, values, otherwise], { outputShape }) => {
    const shape = outputShape as number[];
    const places = indices!.rank === 2 ? indices! : reshape(indices!, [indices!.size, 1]);
    const updates = broadcastTo(values!, [places.shape[0] as number]);
    return replace(broadcastTo(reshape(otherwise!, []), shape), places, updates);
  }),
  // A column beside as many zero columns, read with rows that are one shorter, has its elements on the diagonal.
  Diag: named('x', ([x]) => {
    const n = x!.size;
    const padding = {
      paddings: [
        [0, 0],
        [0, n],
      ],
      constantValue: 0,
    };
    const wide = record('PadV2', [reshape(x!, [n, 1])], padding);
    return reshape(slice(reshape(wide, [n * (n + 1)]), [0], [n * n]), [...x!.shape, ...x!.shape]);
  }),
  MatrixBandPart: named('input numLower numUpper', ([x, numLower, numUpper]) =>
    linalg.bandPart(x!, numLower as Tensor<never>, numUpper as Tensor<never>),
  ),
  LogSoftmax: named('logits', ([logits]) => logSoftmax(logits!)),
  BroadcastArgs: named('s0 s1', ([a, b]) => {
    const [first, second] = [a!, b!].map((shape) => literalOf(shape)?.values);
    if (first !== undefined && second !== undefined) {
      const shape = broadcastShape([...first], [...second]);
      return reshape(column(shape), [shape.length]);
    }
    const rank = Math.max(a!.size, b!.size);
    const [left, right] = [a!, b!].map((shape) =>
      shape.size === rank ? shape : record('PadV2', [shape], { paddings: [[rank - shape.size, 0]], constantValue: 1 }),
    );
    return record('Select', [record('Equal', [left!, scalar(1, 'int32')]), right!, left!]);
  }),

  Bincount: named('x weights', ([x, weights], { size }) => count(x!, weights!, size as number, false)),
  DenseBincount: named('x weights', ([x, weights], { size, binaryOutput }) =>
    count(x!, weights!, size as number, Boolean(binaryOutput)),
  ),
  // Rows of other segments are left out, as those of padding are that have the segment -1.
  UnsortedSegmentSum: named('x segmentIds', ([x, ids], { numSegments }) =>
    sumByNumber(x!, reshape(ids!, [ids!.size]), numSegments as number),
  ),
  SparseSegmentSum: named('data indices segmentIds', ([data, indices, segments]) => {
    const { ids, numSegments } = segmentsOf('sparseSegmentSum', segments!);
    return segmentSum(data!, indices!, ids, numSegments);
  }),
  SparseSegmentMean: named('data indices segmentIds', ([data, indices, segments]) => {
    const { ids, numSegments } = segmentsOf('sparseSegmentMean', segments!);
    const counts = new Float32Array(numSegments);
    for (const id of ids) counts[id]! += 1;
    const divisor = constant(
      counts.map((n) => Math.max(n, 1)),
      [numSegments, ...data!.shape.slice(1).map(() => 1)],
      'float32',
    );
    return record('RealDiv', [segmentSum(data!, indices!, ids, numSegments), divisor]);
  }),
};

/** What `indices` name along an axis of `x`, where both have the same leading `batchDims` axes. */
function gatherWithBatch(x: Tensor, indices: Tensor, axis: number, batchDims: number): Tensor {
  const batch = x.shape.slice(0, batchDims);
  const [before, after] = [x.shape.slice(batchDims, axis), x.shape.slice(axis + 1)];
  const chosen = indices.shape.slice(batchDims);
  const count = sizeOf(batch);
  // With the batch in one axis and the gathered one after it, these are rows.
  const order = [...batch.keys(), axis, ...[...x.shape.keys()].filter((i) => i >= batchDims && i !== axis)];
  const moved = before.length === 0 ? x : record('Transpose', [x], { perm: order });
  const rows = reshape(moved, [count, x.shape[axis] as number, ...before, ...after]);
  const length = x.shape[axis] as number;
  // An index that is outside of its row is made to be outside of all rows, so that it reads from no other one.
  const within = { kernel: 'GatherV2', length, outside: -length * count };
  const elements = gatherRows(rows, record('IndicesWithin', [reshape(indices, [count, sizeOf(chosen)])], within));
  const gathered = reshape(elements, [...batch, ...chosen, ...before, ...after]);
  if (before.length === 0) return gathered;
  const span = (from: number, of: readonly unknown[]): number[] => of.map((_, i) => from + i);
  const perm = [...batch.keys(), ...span(batchDims + chosen.length, before), ...span(batchDims, chosen)];
  return record('Transpose', [gathered], { perm: [...perm, ...span(perm.length, after)] });
}

/** `[rows, count, ...]` from `x` of `[rows, length, ...]`: from each row the places that the same row of `indices` names. */
function gatherRows(x: Tensor, indices: Tensor): Tensor {
  const [rows, length, ...rest] = x.shape as [number, number, ...number[]];
  if (rows === 1) return record('GatherV2', [x, reshape(indices, [indices.size])], { axis: 1 });
  const starts = column(Array.from({ length: rows }, (_, row) => row * length));
  return record('GatherV2', [reshape(x, [rows * length, ...rest]), record('Add', [indices, starts])], { axis: 0 });
}

function replace(tensor: Tensor, indices: Tensor, updates: Tensor): Tensor {
  const depth = indices.shape[indices.rank - 1] as number;
  const count = sizeOf(indices.shape.slice(0, -1));
  const blocks = reshape(updates, [count, ...tensor.shape.slice(depth)]);
  return record('TensorScatterUpdate', [tensor, reshape(indices, [count, depth]), blocks]);
}

/** How often, or with what weight, each number below `size` occurs in `x`, or in each row of it; other numbers are ignored. */
function count(x: Tensor, weights: Tensor, size: number, binary: boolean): Tensor {
  const type = weights.dtype as DataType;
  const weighted = !binary && weights.size > 0;
  const added = weighted ? weights : broadcastTo(scalar(1, type), x.shape);
  const counts = sumByNumber(reshape(added, [x.size]), cast(x, 'int32'), size);
  return binary ? cast(record('NotEqual', [counts, scalar(0, type)]), type) : counts;
}

/**
 * The sums of those of `updates`, `[count, ...rest]`, that have the same of the int32 `numbers`, `[count]`: `[size, ...rest]`, or for each row of
 * numbers, `[rows, columns]`, `[rows, size, ...rest]`. Updates with numbers that are negative, or not below `size`, are left out.
 */
function sumByNumber(updates: Tensor, numbers: Tensor, size: number): Tensor {
  // Those have a place of their own, which is cut off.
  const limit = broadcastTo(scalar(size, 'int32'), numbers.shape);
  const negative = record('Less', [numbers, scalar(0, 'int32')]);
  const slots = record('Select', [negative, limit, record('Minimum', [numbers, limit])]);
  const rows = numbers.shape.slice(0, -1);
  const columns = numbers.shape[numbers.rank - 1] as number;
  const flat = reshape(slots, [numbers.size, 1]);
  const row = Array.from({ length: numbers.size }, (_, i) => Math.floor(i / columns));
  const places = rows.length === 0 ? flat : record('Concat', [column(row), flat], { axis: 1 });
  const rest = updates.shape.slice(1);
  const sums = record('ScatterNd', [places, updates], { shape: [...rows, size + 1, ...rest] });
  return slice(
    sums,
    sums.shape.map(() => 0),
    [...rows, size, ...rest],
  );
}

/** The segments' numbers, which decide about the shape of the result. */
function segmentsOf(name: string, segments: Tensor): { ids: Int32Array; numSegments: number } {
  const isOpen = segments instanceof Tracer || segments instanceof Variable;
  const values = isOpen ? literalOf(segments)?.values : segments.dataSync();
  if (values === undefined) {
    throw new Error(
      `${name}: the number of segments depends on the values of segmentIds, which are not known while a function is traced. ` +
        'Use segment ids from outside of the function, or unsortedSegmentSum, which is given the number.',
    );
  }
  const ids = Int32Array.from(values);
  return { ids, numSegments: ids.length === 0 ? 0 : (ids[ids.length - 1] as number) + 1 };
}

function segmentSum(data: Tensor, indices: Tensor, ids: Int32Array, numSegments: number): Tensor {
  const rows = record('GatherV2', [data, indices], { axis: 0 });
  return record('ScatterNd', [column(ids), rows], {
    shape: [numSegments, ...data.shape.slice(1)],
  });
}
