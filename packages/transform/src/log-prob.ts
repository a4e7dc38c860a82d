import { dependsOn, refusePromise, requireScalar, splitAux } from '@posteriors/autodiff';
import { leaves, type TensorTree } from '@posteriors/tree';
import type { Tensor } from '@tensorflow/tfjs-core';
import type { LogProbFn } from './transform.ts';

/**
 * The log density with its result checked while it is traced: a float32 scalar that depends on the parameters, and aux. `name` begins the
 * errors.
 */
export function checkedLogProb<P extends TensorTree, B, A>(
  name: string,
  logProb: LogProbFn<P, B, A>,
): LogProbFn<P, B, A> {
  return (params, batch, context) => {
    const [value, aux] = splitAux(name, refusePromise(name, logProb(params, batch, context)));
    const scalar = requireScalar(name, value);
    requireDependence(name, scalar, params);
    return [scalar, aux as A];
  };
}

/** @throws unless the value of a function, `what`, depends on the parameters, while it is traced. */
export function requireDependence(name: string, value: Tensor, params: TensorTree, what = 'log density'): void {
  if (dependsOn(value, leaves(params))) return;
  throw new Error(
    `${name}: the ${what} does not depend on the parameters, so there is nothing to infer; use its first argument in it`,
  );
}
