import type * as tf from '@tensorflow/tfjs';
import { grad, hvp, jit, tree } from 'posteriors';
import { loadOnCpu } from '../devices.ts';
import { disposeTensors, toTensors } from '../tensors.ts';
import { timeInTurn } from '../timing.ts';
import { version } from '../version.ts';
import { loadNetwork } from '../workloads/network.ts';
import type { Named } from '../workloads/workload.ts';
import type { Measure } from './measure.ts';

/** The Hessian of a log posterior times a vector, which brings the gradient along, beside the gradient alone: both compiled. */
export const measure: Measure = {
  title: 'MNIST network 784-64-10, batch 32: a gradient, and a Hessian-vector product',
  async run(timing, device) {
    const model = await loadOnCpu(device, loadNetwork);
    const [params, batch] = [toTensors(model.params), toTensors(model.batches[0]!)];
    const value = (p: Named<tf.Tensor>, data: Named<tf.Tensor>): tf.Tensor => model.logPosterior(p, data);
    const gradient = jit(grad(value));
    const product = jit((p: Named<tf.Tensor>, data: Named<tf.Tensor>) =>
      hvp((moving: Named<tf.Tensor>) => value(moving, data), [p], [p]),
    );
    const calls = { gradient, 'Hessian-vector product': product };
    try {
      const times = await timeInTurn(
        Object.values(calls).map((call) => ({
          async time(count: number): Promise<number> {
            const start = performance.now();
            for (let i = 1; i < count; i++) disposeLeaves(call(params, batch));
            const last = call(params, batch);
            await tree.leaves(last as tree.TensorTree)[0]!.data();
            const ms = performance.now() - start;
            disposeLeaves(last);
            return ms;
          },
        })),
        timing,
      );
      const [first, second] = Object.keys(calls).map((name, i) => ({ name, version, ...times[i]! }));
      return [{ timed: [first!, second!] }];
    } finally {
      for (const call of Object.values(calls)) call.dispose();
      disposeTensors(params);
      disposeTensors(batch);
    }
  },
};

function disposeLeaves(tensors: unknown): void {
  for (const leaf of tree.leaves(tensors as tree.TensorTree)) leaf.dispose();
}
