import { dependsOn, refusePromise, requireScalar, splitAux } from '@posteriors/autodiff';
import { leaves, type TensorTree } from '@posteriors/tree';
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
    if (!dependsOn(scalar, leaves(params as TensorTree))) {
      throw new Error(
        `${name}: the log density does not depend on the parameters, so there is nothing to infer; use its first argument in it`,
      );
    }
    return [scalar, aux as A];
  };
}
