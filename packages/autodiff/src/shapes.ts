/** Changes of shape that rules are written with. Each returns its argument where nothing changes. */

import { record, sameShape } from '@posteriors/backend';
import { reshape, sum, type Tensor, transpose, zeros } from '@tensorflow/tfjs-core';

export function broadcastTo(x: Tensor, shape: readonly number[]): Tensor {
  return sameShape(x.shape, shape) ? x : record('BroadcastTo', [x], { shape });
}

/** The transpose of broadcasting: sums over the axes along which a tensor of `shape` was repeated. */
export function sumTo(x: Tensor, shape: readonly number[]): Tensor {
  if (sameShape(x.shape, shape)) return x;
  const extra = x.rank - shape.length;
  const axes = x.shape.flatMap((n, i) => (i < extra || (n !== 1 && shape[i - extra] === 1) ? [i] : []));
  const summed = axes.length === 0 ? x : sum(x, axes);
  return reshapeTo(summed, shape);
}

export function reshapeTo(x: Tensor, shape: readonly number[]): Tensor {
  return sameShape(x.shape, shape) ? x : reshape(x, shape as number[]);
}

export function moveAxis(x: Tensor, from: number, to: number): Tensor {
  if (from === to) return x;
  const perm = [...x.shape.keys()].filter((i) => i !== from);
  perm.splice(to, 0, from);
  return transpose(x, perm);
}

/** `[batch, ...shape]` as `[batch, 1, ..., ...shape]`, so that `shape` broadcasts as if it had `rank` axes. */
export function alignBatched(x: Tensor, rank: number): Tensor {
  const missing = rank + 1 - x.rank;
  if (missing <= 0) return x;
  return reshapeTo(x, [x.shape[0] as number, ...Array.from({ length: missing }, () => 1), ...x.shape.slice(1)]);
}

export function zerosLike(x: Tensor): Tensor {
  return broadcastTo(zeros([], 'float32'), x.shape);
}

/** Gives an operand a batch axis of `size` at the front, unless it has one. */
export function ensureBatched(x: Tensor, batched: boolean, size: number): Tensor {
  return batched ? x : broadcastTo(x, [size, ...x.shape]);
}
