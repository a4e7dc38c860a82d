import type { ForwardFn, LogProbFn, OuterLogProbFn } from '@posteriors/transform';
import type { TensorTree } from '@posteriors/tree';

/** The log likelihood of the parameters of a model: that of its outputs. */
export function logLikelihoodOf<P extends TensorTree, B, A>(
  forward: ForwardFn<P, B, A>,
  outerLogLikelihood: OuterLogProbFn<B>,
): LogProbFn<P, B, A> {
  return (params, batch, context) => {
    const [z, aux] = forward(params, batch, context);
    return [outerLogLikelihood(z, batch), aux];
  };
}
