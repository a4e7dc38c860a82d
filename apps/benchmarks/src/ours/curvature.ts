import type * as tf from '@tensorflow/tfjs';
import { ekf, laplace, withAux } from 'posteriors';
import type { Run } from '../tensor-contender.ts';
import { disposeTensors, stateTensors } from '../tensors.ts';
import type { CurvatureWorkload, Likelihood, Named, Point } from '../workloads/workload.ts';
import { running, type Way } from './running.ts';

type Params = Named<tf.Tensor>;

/** A Laplace approximation or a filter, from its parameters. */
export function beginCurvature(
  model: Likelihood,
  algorithm: CurvatureWorkload['algorithm'],
  start: Point,
  way: Way,
): Run {
  const params = stateTensors(start.params, model.params);
  const run = beginAt(model, algorithm, params, way);
  disposeTensors(params);
  return run;
}

function beginAt(model: Likelihood, algorithm: CurvatureWorkload['algorithm'], params: Params, way: Way): Run {
  const each = (at: Params, batch: Params): readonly [tf.Tensor, []] =>
    withAux(model.outer(model.forward(at, batch), batch), []);
  const total = (at: Params, batch: Params): readonly [tf.Tensor, []] => withAux(each(at, batch)[0].sum(), []);
  switch (algorithm.name) {
    case 'laplace.diagFisher': {
      const transform = laplace.diagFisher.build(each, { perSample: true });
      return running(transform, transform.init(params), way, (state) => state.precDiag);
    }
    case 'laplace.denseFisher': {
      const transform = laplace.denseFisher.build(each, { perSample: true });
      return running(transform, transform.init(params), way, (state) => ({ matrix: state.prec }));
    }
    case 'laplace.denseGgn': {
      const forward = (at: Params, batch: Params): readonly [tf.Tensor, []] => withAux(model.forward(at, batch), []);
      const outer = (outputs: tf.Tensor, batch: Params): tf.Tensor => model.outer(outputs, batch).sum();
      const transform = laplace.denseGgn.build(forward, outer);
      return running(transform, transform.init(params), way, (state) => ({ matrix: state.prec }));
    }
    case 'laplace.denseHessian': {
      const transform = laplace.denseHessian.build(total);
      return running(transform, transform.init(params), way, (state) => ({ matrix: state.prec }));
    }
    case 'ekf.diagFisher': {
      const { learningRate, initSd, transitionSd } = algorithm;
      const settings = { learningRate, transitionSd, initSds: initSd, perSample: true };
      const transform = ekf.diagFisher.build(each, settings);
      return running(transform, transform.init(params), way, (state) => state.sdDiag);
    }
    case 'ekf.denseFisher': {
      const { learningRate, initSd } = algorithm;
      const transform = ekf.denseFisher.build(each, { learningRate, initCov: initSd ** 2, perSample: true });
      return running(transform, transform.init(params), way, (state) => ({ matrix: state.cov }));
    }
  }
}
