import { evaluate } from '@posteriors/autodiff';
import {
  add,
  cast,
  greaterEqual,
  lessEqual,
  logicalAnd,
  mul,
  neg,
  softplus,
  sub,
  type Tensor,
  where,
} from '@tensorflow/tfjs-core';
import { requireSameShape } from './same-shape.ts';

/**
 * Log probability of labels under Bernoulli distributions: `-y softplus(-x) - (1 - y) softplus(x)` for the logit x and the label y, that
 * is `log sigmoid(x)` for label 1 and `log sigmoid(-x)` for label 0.
 *
 * @param logits float32 `[...]`, finite.
 * @param labels of the same shape: 0 or 1, true or false, or float32 numbers between 0 and 1 (the expected log probability of a soft label).
 * @returns float32 `[...]`, which the caller owns; NaN where a label is not between 0 and 1, such as -1. Differentiable in both to any order.
 * @throws if the shapes differ.
 */
export function bernoulliLogProb(logits: Tensor, labels: Tensor): Tensor {
  const name = 'distributions.bernoulliLogProb';
  requireSameShape(name, 'labels', labels, 'logits', logits);
  return evaluate(name, () => {
    const y = cast(labels, 'float32');
    const value = neg(add(mul(y, softplus(neg(logits))), mul(sub(1, y), softplus(logits))));
    return where(logicalAnd(greaterEqual(y, 0), lessEqual(y, 1)), value, Number.NaN);
  });
}
