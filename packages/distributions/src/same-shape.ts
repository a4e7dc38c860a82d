import type { Tensor } from '@tensorflow/tfjs-core';

/** @throws unless each of the observations has its own prediction, which `like` names. */
export function requireSameShape(name: string, what: string, observed: Tensor, like: string, predicted: Tensor): void {
  if (`${observed.shape}` === `${predicted.shape}`) return;
  throw new Error(
    `${name}: the ${what} have shape [${observed.shape}] and the ${like} [${predicted.shape}]; they must be the same`,
  );
}
