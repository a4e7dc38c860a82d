/** Plain loops over typed arrays, as one writes them by hand for the one logistic regression. */
import { startOf } from '../checks/start.ts';
import type { Contender } from '../contender.ts';
import type { Named, Point, Posterior, Sghmc, Values, Workload } from '../workloads/workload.ts';
import type { Peer } from './peer.ts';

export const loops: Peer = {
  async contenders(workload) {
    const { kind, model, algorithm } = workload;
    if (kind !== 'posterior' || model.name !== 'logistic' || model.chains !== undefined || algorithm.name !== 'sghmc')
      return [];
    return [
      loopContender(workload, model, algorithm, Float32Array),
      loopContender(workload, model, algorithm, Float64Array),
    ];
  },
  stop() {},
};

type Numbers = typeof Float32Array | typeof Float64Array;

function loopContender(workload: Workload, model: Posterior, timedAlgorithm: Sghmc, numbers: Numbers): Contender {
  const { inputs, labels } = model.batches[0] as Named<Values>;
  const [x, y] = [numbers.from(inputs!.values), numbers.from(labels!.values)];
  const begin = (start: Point, algorithm: Sghmc) => chain(x, y, start, algorithm, numbers);
  const timed = begin(startOf(workload.model, timedAlgorithm), timedAlgorithm);
  return {
    name: `typed-array loops, ${numbers === Float32Array ? 'float32' : 'float64'}`,
    version: `Node ${process.versions.node}`,
    async advance(start, algorithm, steps) {
      const { step, weights, momenta } = begin(start, algorithm as Sghmc);
      for (let i = 0; i < steps; i++) step();
      return { params: { weights: Float64Array.from(weights) }, companions: { weights: Float64Array.from(momenta) } };
    },
    async time(calls) {
      const start = performance.now();
      for (let i = 0; i < calls; i++) timed.step();
      return performance.now() - start;
    },
    close() {},
  };
}

type Vector = Float32Array | Float64Array;

function chain(
  x: Vector,
  y: Vector,
  start: Point,
  { learningRate, alpha, temperature }: Sghmc,
  numbers: Numbers,
): { readonly step: () => void; readonly weights: Vector; readonly momenta: Vector } {
  const weights = numbers.from(start.params.weights as Float64Array);
  const momenta = numbers.from(start.companions.weights as Float64Array);
  const [n, d] = [y.length, weights.length];
  const gradient = new numbers(d);
  const sd = Math.sqrt(2 * alpha * temperature * learningRate);
  const step = (): void => {
    for (let j = 0; j < d; j++) gradient[j] = -weights[j]!;
    for (let i = 0; i < n; i++) {
      let logit = 0;
      for (let j = 0; j < d; j++) logit += x[i * d + j]! * weights[j]!;
      const residual = y[i]! - 1 / (1 + Math.exp(-logit));
      for (let j = 0; j < d; j++) gradient[j]! += residual * x[i * d + j]!;
    }
    for (let j = 0; j < d; j++) {
      weights[j]! += learningRate * momenta[j]!;
      momenta[j]! += learningRate * (gradient[j]! / n - alpha * momenta[j]!) + sd * normal();
    }
  };
  return { step, weights, momenta };
}

/** Box and Muller. */
function normal(): number {
  return Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random());
}
