import type * as tf from '@tensorflow/tfjs';
import { optim, sgmcmc, type Transform, vi, withAux } from 'posteriors';
import { startOf } from './check.ts';
import type { Contender } from './contender.ts';
import { disposeTensors, readTensors, stateTensors, toTensors } from './tensors.ts';
import { version } from './version.ts';
import type { Named, Point, Workload } from './workloads/workload.ts';

type Params = Named<tf.Tensor>;

/** What the two algorithms have in common. */
interface Runner<S> {
  readonly transform: Transform<Params, S, Params, []>;
  readonly params: (state: S) => Params;
  readonly companions: (state: S) => Params;
  /** A scalar of the last step, which is there when the step is done. */
  readonly value: (state: S) => tf.Tensor;
}

let seed = 0;

/** The workload with posteriors on the current device, `update` changing its state or returning a new one. */
export function ours(workload: Workload, inplace: boolean): Contender {
  const logPosterior = (params: Params, batch: Params): readonly [tf.Tensor, []] =>
    withAux(workload.model.logPosterior(params, batch), []);
  const { algorithm } = workload;

  if (algorithm.name === 'sghmc') {
    const { learningRate, alpha } = algorithm;
    return contender<sgmcmc.sghmc.State<Params>>(workload, inplace, (temperature, momenta) => ({
      transform: sgmcmc.sghmc.build(logPosterior, { learningRate, alpha, temperature, momenta }),
      params: (state) => state.params,
      companions: (state) => state.momenta,
      value: (state) => state.logPosterior,
    }));
  }
  const optimizer = optim.adam({ learningRate: algorithm.learningRate });
  return contender<vi.diag.State<Params>>(workload, inplace, (temperature, initLogSds) => ({
    transform: vi.diag.build(logPosterior, optimizer, { temperature, initLogSds }),
    params: (state) => state.params,
    companions: (state) => state.logSdDiag,
    value: (state) => state.nelbo,
  }));
}

function contender<S extends { dispose(): void }>(
  workload: Workload,
  inplace: boolean,
  build: (temperature: number, companions: Params) => Runner<S>,
): Contender {
  const { model, algorithm } = workload;
  const batch = toTensors(model.batch);

  const begin = (start: Point, temperature: number): Runner<S> & { readonly state: S } => {
    const params = stateTensors(start.params, model.params);
    const companions = stateTensors(start.companions, model.params);
    const runner = build(temperature, companions);
    const state = runner.transform.init(params, { seed: seed++ });
    disposeTensors(params);
    disposeTensors(companions);
    return { ...runner, state };
  };
  const step = (transform: Runner<S>['transform'], state: S): S => {
    const [next] = transform.update(state, batch, { inplace });
    if (!inplace) state.dispose();
    return next;
  };

  const timed = begin(startOf(workload), algorithm.temperature);
  let state = timed.state;
  return {
    name: `posteriors, ${inplace ? 'in place' : 'pure'}`,
    version,
    async advance(start, temperature, steps) {
      const { transform, params, companions, state: first } = begin(start, temperature);
      let state = first;
      for (let i = 0; i < steps; i++) state = step(transform, state);
      const point = { params: await readTensors(params(state)), companions: await readTensors(companions(state)) };
      state.dispose();
      return point;
    },
    async time(calls) {
      const start = performance.now();
      for (let i = 0; i < calls; i++) state = step(timed.transform, state);
      await timed.value(state).data();
      return performance.now() - start;
    },
    close() {
      state.dispose();
      disposeTensors(batch);
    },
  };
}
