/** The ways in which posteriors takes the steps of a workload. */
import type * as tf from '@tensorflow/tfjs';
import { type random, scan, type Transform } from 'posteriors';
import type { Run } from '../tensor-contender.ts';
import type { Named } from '../workloads/workload.ts';

type Params = Named<tf.Tensor>;

/** `update` that changes its state, `update` that returns a new one, and `scan`. */
export type Way = 'in place' | 'pure' | 'scan';

interface State {
  readonly key: random.Key;
  readonly step: number;
  readonly params: Params;
  dispose(): void;
}

/** Steps of a transform from a state, which becomes the run's. */
export function running<S extends State, A, H>(
  transform: Transform<Params, S, Params, A, H>,
  first: S,
  way: Way,
  companions: (state: S) => Params,
): Run {
  let state = first;
  const replace = ([next]: readonly [S, unknown]): void => {
    state.dispose();
    state = next;
  };
  const step: { readonly [way in Way]: Run['step'] } = {
    'in place': (batch) => transform.update(state, batch, { inplace: true, aux: false }),
    pure: (batch) => replace(transform.update(state, batch, { aux: false })),
    scan: (batch, count) => replace(scan(transform as Transform<Params, S, Params, A>, state, count, { batch })),
  };
  return {
    step: step[way],
    state: () => ({ params: state.params, companions: companions(state) }),
    dispose: () => state.dispose(),
  };
}
