import { map, type TensorTree } from '@posteriors/tree';
import { add, mul, neg } from '@tensorflow/tfjs-core';

/** Gradients of the loss to minimise, `-g` where `g` is of an objective to maximise, plus those of `weightDecay / 2 |params|^2`. */
export function lossGradients<P extends TensorTree>(
  gradients: P,
  params: P,
  { maximize, weightDecay }: { readonly maximize: boolean; readonly weightDecay: number },
): P {
  const descending = maximize ? map((g) => neg(g), gradients) : gradients;
  return weightDecay === 0 ? descending : map((g, p) => add(g, mul(p, weightDecay)), descending, params);
}
