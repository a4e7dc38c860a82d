import type * as tf from '@tensorflow/tfjs';
import { jit, valueAndGrad } from 'posteriors';
import type { Contender, Timeable } from './contender.ts';
import { stepsPerScan } from './many-steps.ts';
import { beginChains } from './ours/chains.ts';
import { beginCurvature } from './ours/curvature.ts';
import { beginPosterior } from './ours/posterior.ts';
import type { Way } from './ours/running.ts';
import { type Run, tensorContender } from './tensor-contender.ts';
import { disposeTensors, ready, toTensors } from './tensors.ts';
import { version } from './version.ts';
import type { Algorithm, CurvatureWorkload, Named, Point, PosteriorWorkload, Workload } from './workloads/workload.ts';

/** The workload with posteriors on the current device. */
export function ours(workload: Workload, way: Way, name: string = `posteriors, ${way}`): Contender {
  const stepsPerCall = (way === 'scan' && stepsPerScan(workload)) || 1;
  return tensorContender({ name, version, stepsPerCall }, workload, beginning(workload, way));
}

/** The ways to run a workload; the first is the one that others are compared with. */
export function waysOf(workload: Workload): Contender[] {
  return (['in place', 'pure', ...scanOf(workload)] as const).map((way) => ours(workload, way));
}

/** One chain of a workload with several, one step in a call and many. */
export function chainAlone(workload: Workload): Contender[] {
  if (workload.kind !== 'posterior' || workload.model.single === undefined) return [];
  const single = { ...workload, model: workload.model.single };
  return (['in place', ...scanOf(workload)] as const).map((way) => ours(single, way, `one chain alone, ${way}`));
}

function scanOf(workload: Workload): readonly Way[] {
  return stepsPerScan(workload) === undefined ? [] : ['scan'];
}

function beginning(workload: Workload, way: Way): (start: Point, algorithm: Algorithm) => Run {
  if (workload.kind === 'curvature') {
    const { model } = workload;
    return (start, algorithm) => beginCurvature(model, algorithm as CurvatureWorkload['algorithm'], start, way);
  }
  const { model } = workload;
  if (model.chains !== undefined) {
    return (start, algorithm) => beginChains(model, algorithm as PosteriorWorkload['algorithm'], start, way);
  }
  return (start, algorithm) => beginPosterior(model, algorithm as PosteriorWorkload['algorithm'], start, way);
}

/** The gradient of the mean log likelihood of the first batch, compiled, and nothing else. */
export function gradientAlone({ model }: CurvatureWorkload): Timeable {
  const [params, batch] = [toTensors(model.params), toTensors(model.batches[0] as (typeof model.batches)[number])];
  const gradient = jit(
    valueAndGrad(
      (at: Named<tf.Tensor>, data: Named<tf.Tensor>): tf.Tensor => model.outer(model.forward(at, data), data).mean(),
    ),
  );
  const call = (): readonly [tf.Tensor, Named<tf.Tensor>] => gradient(params, batch);
  return {
    name: 'posteriors, its gradient alone',
    version,
    async time(calls) {
      const start = performance.now();
      for (let i = 1; i < calls; i++) free(call());
      const last = call();
      await ready(last[0]);
      const ms = performance.now() - start;
      free(last);
      return ms;
    },
    close() {
      gradient.dispose();
      disposeTensors(params);
      disposeTensors(batch);
    },
  };
}

function free([value, gradient]: readonly [tf.Tensor, Named<tf.Tensor>]): void {
  value.dispose();
  disposeTensors(gradient);
}
