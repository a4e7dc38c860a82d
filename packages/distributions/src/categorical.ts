import { evaluate, stopGradient } from '@posteriors/autodiff';
import {
  equal,
  exp,
  expandDims,
  greaterEqual,
  less,
  log,
  logicalAnd,
  max,
  range,
  sub,
  sum,
  type Tensor,
  where,
  zerosLike,
} from '@tensorflow/tfjs-core';

/**
 * Log probability of labels under categorical distributions: `log softmax(logits)` at the label.
 *
 * @param logits float32 `[..., k]`, of any size; `-Infinity` for what cannot be.
 * @param labels int32 `[...]`, from 0 to k - 1.
 * @returns float32 `[...]`, which the caller owns; NaN where a label is not one of the k. Differentiable in the logits to any order.
 * @throws if the labels are not int32 or their shape is not that of the logits without its last axis.
 */
export function categoricalLogProb(logits: Tensor, labels: Tensor): Tensor {
  const name = 'distributions.categoricalLogProb';
  const shape = logits.shape.slice(0, -1);
  const classes = logits.shape[logits.rank - 1];
  if (classes === undefined)
    throw new Error(`${name}: the logits are a scalar and must have shape [..., k], k classes`);
  if (labels.dtype !== 'int32') {
    throw new Error(
      `${name}: the labels are ${labels.dtype} and must be int32; cast them with tf.cast(labels, 'int32')`,
    );
  }
  if (`${labels.shape}` !== `${shape}`) {
    throw new Error(
      `${name}: the labels have shape [${labels.shape}] and the logits [${logits.shape}]; labels of shape [${shape}] fit these logits`,
    );
  }
  return evaluate(name, () => {
    const shifted = sub(logits, stopGradient(max(logits, -1, true)));
    const hit = equal(expandDims(labels, -1), range(0, classes, 1, 'int32'));
    const picked = sum(where(hit, shifted, zerosLike(shifted)), -1);
    const value = sub(picked, log(sum(exp(shifted), -1)));
    const known = logicalAnd(greaterEqual(labels, 0), less(labels, classes));
    return where(known, value, Number.NaN);
  });
}
