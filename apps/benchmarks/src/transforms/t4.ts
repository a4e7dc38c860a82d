import { peakBytes } from '@posteriors/backend';
import type * as tf from '@tensorflow/tfjs';
import { jit, sgmcmc, withAux } from 'posteriors';
import { loadOnCpu } from '../devices.ts';
import { disposeTensors, ready, toTensors } from '../tensors.ts';
import { timeInTurn } from '../timing.ts';
import { version } from '../version.ts';
import { load } from '../workloads/w4.ts';
import type { Named, Sghmc } from '../workloads/workload.ts';
import type { Measure } from './measure.ts';

type Params = Named<tf.Tensor>;

/** The memory of the compiled step, as the program that runs on the device says: every value from when it is computed to its last use. */
export const measure: Measure = {
  title: 'the most memory that a step of W4 takes beyond its inputs and constants',
  async run(timing, device) {
    const { model, algorithm } = await loadOnCpu(device, load);
    const { learningRate, alpha, temperature } = algorithm as Sghmc;
    const [params, batch] = [toTensors(model.params), toTensors(model.batches[0] as (typeof model.batches)[number])];
    const logPosterior = (at: Params, data: Params): readonly [tf.Tensor, []] =>
      withAux(model.logPosterior(at, data), []);
    const transform = sgmcmc.sghmc.build(logPosterior, { learningRate, alpha, temperature });
    let state = transform.init(params, { seed: 0 });
    const update = jit((at: typeof state, data: Params) => transform.update(at, data, { aux: false })[0]);
    const contender = {
      async time(calls: number): Promise<number> {
        const start = performance.now();
        for (let i = 0; i < calls; i++) {
          const next = update(state, batch);
          state.dispose();
          state = next;
        }
        await ready(state.logPosterior);
        return performance.now() - start;
      },
    };
    try {
      const [times] = await timeInTurn([contender], timing);
      const bytes = Math.max(...update.programs.map((program) => peakBytes(program)));
      const size = Object.values(model.params).reduce((sum, { values }) => sum + values.byteLength, 0);
      return [{ timed: [{ name: 'a compiled step', version, ...times! }], peak: { bytes, copies: bytes / size } }];
    } finally {
      update.dispose();
      state.dispose();
      disposeTensors(params);
      disposeTensors(batch);
    }
  },
};
