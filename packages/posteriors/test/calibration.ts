// Simulation-based calibration (Talts et al. 2018, https://arxiv.org/abs/1804.06788) on conjugate linear regression, all replicates in one program.
import * as tf from '@tensorflow/tfjs-core';
import { ekf, jit, laplace, linalg, optim, random, sampleChain, sgmcmc, vi, vmap, withAux } from '../src/index.ts';

const replicates = 1_000;
const dimension = 5;
const draws = 99;
const rows = 20;

/** What is wrong with an inference: draws too wide, the prior not divided by the number of data, the precision too large. */
export type Mutation = 'none' | 'noise x 1.1' | 'prior not scaled by 1/N' | 'precision x 1.25';
/** The one that changes the posterior, and not only the draws from it, comes last. */
export const mutations: readonly Mutation[] = ['noise x 1.1', 'precision x 1.25', 'prior not scaled by 1/N'];

/** How much wider the draws are than the algorithm makes them, as a factor of the standard deviation. */
const spread = (mutation: Mutation): number =>
  mutation === 'noise x 1.1' ? 1.1 : mutation === 'precision x 1.25' ? 1 / Math.sqrt(1.25) : 1;
const priorPrecision = (mutation: Mutation): number => (mutation === 'prior not scaled by 1/N' ? rows : 1);

type Batch = { readonly x: tf.Tensor; readonly y: tf.Tensor };
type Data = Batch & { readonly seed: number; readonly theta: tf.Tensor; readonly keys: tf.Tensor };

/** Coefficients drawn from the prior N(0, I), designs with correlated columns, and observations with noise of unit variance; a row a replicate. */
function simulate(seed: number): Data {
  const [prior, design, noise, inference] = random.split(random.key(seed), 4) as [
    random.Key,
    random.Key,
    random.Key,
    random.Key,
  ];
  return tf.tidy(() => {
    const theta = random.normal(prior, [replicates, dimension]);
    const independent = random.normal(design, [replicates, rows, dimension]);
    const x = tf.add(independent, tf.slice(independent, [0, 0, 0], [replicates, rows, 1]));
    const mean = tf.squeeze(tf.matMul(x, tf.expandDims(theta, 2)), [2]);
    const y = tf.add(mean, random.normal(noise, [replicates, rows]));
    return { seed, x, y, theta, keys: random.keyTensor(random.split(inference, replicates) as Uint32Array[]) };
  });
}

/** Predictions, and what they say of the observations. */
const forward = (theta: tf.Tensor, { x }: Batch): [tf.Tensor, []] =>
  withAux(tf.squeeze(tf.matMul(x, tf.expandDims(theta, 1)), [1]), []);
const logLikelihood = (z: tf.Tensor, { y }: Batch): tf.Tensor => tf.mul(-0.5, tf.sum(tf.square(tf.sub(y, z))));

/** The mean over the data of the log likelihood, and the log prior divided by the number of data. */
function logPosterior(mutation: Mutation) {
  return (theta: tf.Tensor, batch: Batch): [tf.Tensor, []] => {
    const logPrior = tf.mul(-0.5 * priorPrecision(mutation), tf.sum(tf.square(theta)));
    return withAux(tf.div(tf.add(logLikelihood(forward(theta, batch)[0], batch), logPrior), rows), []);
  };
}
const temperature = 1 / rows;

/** The draws `[replicates, draws, dimension]` of an algorithm. */
type Inference = (data: Data, mutation: Mutation) => Promise<tf.Tensor>;

const laplaceDenseGgn: Inference = async ({ x, y, keys }, mutation) => {
  const precision = priorPrecision(mutation);
  const transform = laplace.denseGgn.build(forward, logLikelihood, { initPrec: precision });
  const each = (xs: tf.Tensor, ys: tf.Tensor, key: tf.Tensor): tf.Tensor => {
    const gram = tf.add(tf.matMul(xs, xs, true), tf.mul(precision, tf.eye(dimension)));
    const right = tf.matMul(xs, tf.expandDims(ys, 1), true);
    const mode = tf.squeeze(linalg.choleskySolve(linalg.cholesky(gram), right), [1]);
    const [state] = transform.update(transform.init(mode, { key }), { x: xs, y: ys });
    const prec = tf.div(state.prec, spread(mutation) ** 2);
    return laplace.denseGgn.sample({ ...state, prec }, { sampleShape: [draws], key: random.foldIn(key, 1) });
  };
  return once(each)(x, y, keys);
};

const ekfDenseGgn: Inference = async ({ x, y, keys }, mutation) => {
  const transform = ekf.denseGgn.build(forward, logLikelihood, {
    learningRate: 1,
    initCov: 1 / priorPrecision(mutation),
  });
  const parts = 4;
  const each = (xs: tf.Tensor, ys: tf.Tensor, key: tf.Tensor): tf.Tensor => {
    const [designs, observed] = [tf.split(xs, parts), tf.split(ys, parts)];
    let state = transform.init(tf.zeros([dimension]), { key });
    for (let i = 0; i < parts; i++) [state] = transform.update(state, { x: designs[i]!, y: observed[i]! });
    const cov = tf.mul(state.cov, spread(mutation) ** 2);
    return ekf.denseGgn.sample({ ...state, cov }, { sampleShape: [draws], key: random.foldIn(key, 1) });
  };
  return once(each)(x, y, keys);
};

const viDense: Inference = async (data, mutation) => {
  const { params, LFactor } = await fitted(data, mutation);
  const each = (mean: tf.Tensor, factor: tf.Tensor, key: tf.Tensor): tf.Tensor =>
    vi.dense.sample({ params: mean, LFactor: factor }, { sampleShape: [draws], key: random.foldIn(key, 1) });
  const factors = tf.mul(LFactor, spread(mutation));
  const drawn = once(each)(params, factors, data.keys);
  factors.dispose();
  return drawn;
};

/** The normals that `vi.dense` finds for the last data it was given: what is wrong with draws from them does not change them. */
const fitted = lastOf(async ({ x, y, keys }: Data, mutation) => {
  // Sticking the landing, the noise of the gradient vanishes at the optimum: a constant learning rate converges.
  const optimizer = optim.sgd({ learningRate: 0.06 });
  const transform = vi.dense.build(logPosterior(mutation), optimizer, { temperature, initL: 0.2, nSamples: 2 });
  const start = tf.zeros([dimension]);
  let states = vmap((key: tf.Tensor) => transform.init(start, { key }))(keys);
  const update = vmap((state: typeof states, batch: Batch) => transform.update(state, batch, { aux: false })[0]);
  for (let i = 0; i < 700; i++) {
    const next = update(states, { x, y });
    states.dispose();
    states = next;
  }
  start.dispose();
  return states;
});

/** Keeps the last result, for the seed of its data and the precision of the prior. */
function lastOf<R extends { dispose(): void }>(
  compute: (data: Data, mutation: Mutation) => Promise<R>,
): (data: Data, mutation: Mutation) => Promise<R> {
  let last: { readonly of: string; readonly result: R } | undefined;
  return async (data, mutation) => {
    const of = `${data.seed} ${priorPrecision(mutation)}`;
    if (last?.of !== of) {
      last?.result.dispose();
      last = { of, result: await compute(data, mutation) };
    }
    return last.result;
  };
}

/** One sampler runs the chains of all replicates, whose log posteriors it sums. */
const baoa: Inference = async ({ x, y, theta, keys }, mutation) => {
  const target = logPosterior(mutation);
  const all = vmap((each: tf.Tensor, batch: Batch) => target(each, batch)[0]);
  const transform = sgmcmc.baoa.build((thetas: tf.Tensor, batch: Batch) => withAux(tf.sum(all(thetas, batch)), []), {
    learningRate: 0.4,
    alpha: 1,
    temperature: temperature * spread(mutation) ** 2,
  });
  const start = tf.zerosLike(theta);
  const state = transform.init(start, { key: Uint32Array.from(keys.dataSync().slice(0, 2)) });
  const thin = 25;
  const batches = Array.from({ length: 200 + thin * draws }, () => ({ x, y }));
  const chain = await sampleChain(transform, state, batches, { burnIn: 200, thin });
  state.dispose();
  return tf.tidy(() => {
    const drawn = tf.stack(chain, 1);
    tf.dispose([start, chain]);
    return drawn;
  });
};

/** Runs a function of one replicate for all, in one program that is not kept. */
function once<A extends tf.Tensor[]>(each: (...args: A) => tf.Tensor): (...args: A) => tf.Tensor {
  return (...args) => {
    const compiled = jit(vmap(each));
    const result = compiled(...args);
    compiled.dispose();
    return result;
  };
}

export const inferences: { readonly [name: string]: Inference } = {
  'vi.dense': viDense,
  'laplace.denseGgn': laplaceDenseGgn,
  'ekf.denseGgn': ekfDenseGgn,
  'sgmcmc.baoa': baoa,
};

/** How far the ranks of the true coefficients among the draws are from uniform. */
export interface Verdict {
  /** Chi-square statistics of the ranks of each coefficient in {@link bins} bins. */
  readonly chiSquares: readonly number[];
  /** Standard errors between the pooled second moment of the ranks and that of the uniform law. */
  readonly secondMoment: number;
}

const bins = 20;

export async function calibrate(infer: Inference, seed: number, mutation: Mutation): Promise<Verdict> {
  const data = simulate(seed);
  const drawn = await infer(data, mutation);
  const below = tf.tidy(() => tf.sum(tf.cast(tf.less(drawn, tf.expandDims(data.theta, 1)), 'int32'), 1));
  const ranks = await below.data();
  tf.dispose([data.x, data.y, data.theta, data.keys, drawn, below]);
  const of = (coefficient: number): number[] =>
    Array.from({ length: replicates }, (_, i) => ranks[i * dimension + coefficient] as number);
  const chiSquares = Array.from({ length: dimension }, (_, coefficient) => {
    const counts = new Array<number>(bins).fill(0);
    for (const rank of of(coefficient)) counts[Math.floor((rank * bins) / (draws + 1))]! += 1;
    const expected = replicates / bins;
    return counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
  });
  // Ranks of one replicate depend on each other; those of different ones do not.
  const centre = draws / 2;
  const uniform = ((draws + 1) ** 2 - 1) / 12;
  const moments = Array.from({ length: replicates }, (_, i) => {
    const squares = Array.from({ length: dimension }, (_, j) => ((ranks[i * dimension + j] as number) - centre) ** 2);
    return squares.reduce((a, b) => a + b) / dimension;
  });
  const mean = moments.reduce((a, b) => a + b) / replicates;
  const variance = moments.reduce((sum, m) => sum + (m - mean) ** 2, 0) / (replicates - 1);
  return { chiSquares, secondMoment: (mean - uniform) / Math.sqrt(variance / replicates) };
}
