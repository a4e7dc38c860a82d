import { dependsOn, refusePromise, requireScalar, splitAux } from '@posteriors/autodiff';
import type { TensorTree } from '@posteriors/tree';
import { Tensor } from '@tensorflow/tfjs-core';
import { requireDependence } from './log-prob.ts';
import type { ForwardFn, OuterLogProbFn } from './transform.ts';

/**
 * A model with its result checked while it is traced: a float32 tensor that depends on the parameters, and aux. `name` begins the errors.
 */
export function checkedForward<P extends TensorTree, B, A>(
  name: string,
  forward: ForwardFn<P, B, A>,
): ForwardFn<P, B, A> {
  return (params, batch, context) => {
    const [z, aux] = splitAux(name, refusePromise(name, forward(params, batch, context)));
    if (!(z instanceof Tensor)) {
      throw new Error(`${name}: the function must return a tensor and returned ${z === null ? 'null' : typeof z}`);
    }
    if (z.dtype !== 'float32') throw new Error(`${name}: the function must return float32 and returned ${z.dtype}`);
    requireDependence(name, z, params, 'forward function');
    return [z, aux as A];
  };
}

/** The log density of a model's outputs with its result checked while it is traced: a float32 scalar that depends on them. */
export function checkedOuter<B>(name: string, outer: OuterLogProbFn<B>): OuterLogProbFn<B> {
  return (z, batch) => {
    const value = requireScalar(name, refusePromise(name, outer(z, batch)));
    if (dependsOn(value, [z])) return value;
    throw new Error(
      `${name}: the log density does not depend on the outputs of the forward function; use its first argument in it`,
    );
  };
}
