/** jax-js on its WebAssembly device: a whole step, compiled. Each use of an array but the last takes a reference of it. */
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { blockUntilReady, init, jit, nn, numpy as np, random, tree, valueAndGrad } from '@jax-js/jax';
import { startOf } from '../checks/start.ts';
import type { Contender } from '../contender.ts';
import {
  mapNamed,
  type Named,
  type Point,
  type Posterior,
  type Sghmc,
  type Values,
  type Workload,
} from '../workloads/workload.ts';
import type { Peer } from './peer.ts';

const require = createRequire(import.meta.url);
// Its manifest is no entry point of the package.
const manifest = join(dirname(require.resolve('@jax-js/jax')), '../package.json');
const { version } = require(manifest) as { readonly version: string };
const NAME = 'jax-js, jitted step';

type Arrays = { [name: string]: np.Array };
/** Parameters, momenta and a key. */
type State = [params: Arrays, momenta: Arrays, key: np.Array];

/** Both consume what they are given. */
type LogPosterior = (params: Arrays, batch: Arrays) => np.Array;

const models: { readonly [name: string]: (numData: number) => LogPosterior } = {
  doubleWell:
    () =>
    ({ x }) => {
      const square = np.square(x!);
      return np.sum(square.ref.sub(np.square(square).mul(0.1)));
    },
  logistic:
    (numData) =>
    (params, { inputs, labels }) => {
      const logits = np.matmul(inputs!, params.weights!.ref);
      const terms = labels!.mul(logits.ref).sub(nn.softplus(logits));
      return np.mean(terms).add(prior(params, numData));
    },
  network:
    (numData) =>
    (params, { images, oneHot }) => {
      const { weights1, bias1, weights2, bias2 } = params as Arrays;
      const hidden = nn.relu(np.matmul(images!, weights1!.ref).add(bias1!.ref));
      const logits = np.matmul(hidden, weights2!.ref).add(bias2!.ref);
      const rows = logits.shape[0] as number;
      const likelihood = np.sum(nn.logSoftmax(logits).mul(oneHot!)).div(rows);
      return likelihood.add(prior(params, numData));
    },
};

function prior(params: Arrays, numData: number): np.Array {
  return Object.values(params)
    .map((leaf) => np.sum(np.square(leaf)))
    .reduce((sum, each) => sum.add(each))
    .mul(-0.5 / numData);
}

export const jaxJs: Peer = {
  async contenders({ kind, model, algorithm }: Workload) {
    if (kind !== 'posterior' || algorithm.name !== 'sghmc' || model.chains !== undefined || !(model.name in models))
      return [];
    const devices = await init('wasm');
    if (!devices.includes('wasm')) return [{ name: NAME, missing: 'its wasm device does not start' }];
    return [contender(model, algorithm)];
  },
  stop() {},
};

let seed = 0;

function contender(model: Posterior, timedAlgorithm: Sghmc): Contender {
  const logPosterior = (models[model.name] as (numData: number) => LogPosterior)(model.numData);
  const step = jit(stepOf(logPosterior));
  const names = Object.keys(model.batches[0] as Named<Values>).filter(
    (name) => name !== 'labels' || model.name === 'logistic',
  );
  const batch = Object.fromEntries(names.map((name) => [name, toArray(model.batches[0]![name]!)]));

  const begin = (start: Point): State => {
    const leaves = (numbers: Named<Float64Array>): Arrays =>
      mapNamed(numbers, (leaf, name) =>
        toArray({ values: Float32Array.from(leaf), shape: model.params[name]!.shape }),
      ) as Arrays;
    return [leaves(start.params), leaves(start.companions), random.key(seed++)];
  };
  const hyperOf = ({ learningRate, alpha, temperature }: Sghmc): Arrays => ({
    learningRate: np.array(learningRate),
    alpha: np.array(alpha),
    sd: np.array(Math.sqrt(2 * alpha * temperature * learningRate)),
  });
  const next = (state: State, hyper: Arrays): State => step(state, tree.ref(batch), tree.ref(hyper)) as State;

  const timedHyper = hyperOf(timedAlgorithm);
  let timed = begin(startOf(model, timedAlgorithm));
  return {
    name: NAME,
    version,
    async advance(start, algorithm, steps) {
      const hyper = hyperOf(algorithm as Sghmc);
      let state = begin(start);
      for (let i = 0; i < steps; i++) state = next(state, hyper);
      tree.dispose(hyper);
      const [params, momenta, key] = state;
      key.dispose();
      return { params: await numbers(params), companions: await numbers(momenta) };
    },
    async time(calls) {
      const start = performance.now();
      for (let i = 0; i < calls; i++) timed = next(timed, timedHyper);
      await blockUntilReady(timed);
      return performance.now() - start;
    },
    close() {
      tree.dispose([timed, batch, timedHyper]);
      step.dispose();
    },
  };
}

function stepOf(logPosterior: LogPosterior): (state: State, batch: Arrays, hyper: Arrays) => State {
  return ([params, momenta, key], batch, { learningRate, alpha, sd }) => {
    const names = Object.keys(params);
    const [value, gradient] = valueAndGrad(logPosterior)(tree.ref(params), batch) as unknown as [np.Array, Arrays];
    value.dispose();
    const [nextKey, ...keys] = np.unstack(random.split(key, names.length + 1)) as [np.Array, ...np.Array[]];
    const moved: Arrays = {};
    const kicked: Arrays = {};
    names.forEach((name, i) => {
      const [theta, momentum] = [params[name]!, momenta[name]!];
      const noise = random.normal(keys[i]!, theta.shape).mul(sd!.ref);
      moved[name] = theta.add(momentum.ref.mul(learningRate!.ref));
      const force = gradient[name]!.sub(momentum.ref.mul(alpha!.ref)).mul(learningRate!.ref);
      kicked[name] = momentum.add(force).add(noise);
    });
    for (const each of [learningRate!, alpha!, sd!]) each.dispose();
    return [moved, kicked, nextKey];
  };
}

function toArray({ values, shape }: Values): np.Array {
  return np.array(values.slice() as Float32Array<ArrayBuffer>).reshape([...shape]);
}

async function numbers(arrays: Arrays): Promise<Named<Float64Array>> {
  const entries = Object.entries(arrays).map(async ([name, array]) => [name, Float64Array.from(await array.data())]);
  return Object.fromEntries(await Promise.all(entries));
}
