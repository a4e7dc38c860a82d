// An update of the network 784-64-10 on webgpu against cpu, from one state, and what the device did meanwhile. It runs in Node and in a
// page, and answers plain data.
import { currentBackend, theEngine } from '@posteriors/backend';
import { add, div, getKernelsForBackend, mean, memory, type Tensor, tensor } from '@tensorflow/tfjs-core';
import { initializers, layers, sequential } from '@tensorflow/tfjs-layers';
import {
  categoricalLogProb,
  diagNormalLogProb,
  type ModelParameters,
  modelParameters,
  modelToFunction,
  optim,
  random,
  setBackend,
  sgmcmc,
  tree,
  vi,
  withAux,
} from '../src/index.ts';

/** What the second update on webgpu did, and how far it is from the same on cpu. */
export interface Observed {
  /** Largest difference from cpu in each leaf of the state, by path, over the largest value of the leaf on cpu. */
  readonly differences: { readonly [path: string]: number };
  /** Buffers taken to map to the host. */
  readonly readbacks: number;
  /** Kernels of the cpu device that ran, and times that a kernel of webgpu computed on the host instead. */
  readonly elsewhere: readonly string[];
  /** Equations of the program that compute something, and programs sent to the device. */
  readonly equations: number;
  readonly dispatches: number;
  /** Tensors and buffers that the update left: those of the new state alone. */
  readonly tensors: number;
  readonly buffers: number;
  readonly leaves: number;
  /** Tensors and buffers that an update in place left besides. */
  readonly left: number;
}

const numData = 60_000;
const batchSize = 32;

const makeNetwork = () => {
  const kernelInitializer = initializers.glorotUniform({ seed: 1 });
  return sequential({
    layers: [
      layers.dense({ inputShape: [784], units: 64, activation: 'relu', kernelInitializer }),
      layers.dense({ units: 10, kernelInitializer }),
    ],
  });
};

const algorithms: { readonly [name in 'vi.diag' | 'sghmc']: (logPosterior: LogPosterior) => AnyTransform } = {
  'vi.diag': (logPosterior) =>
    vi.diag.build(logPosterior, optim.adam({ learningRate: 1e-3 }), { temperature: 1 / numData, initLogSds: -3 }),
  sghmc: (logPosterior) => sgmcmc.sghmc.build(logPosterior, { learningRate: 0.3, alpha: 1, temperature: 1 / numData }),
};
type Batch = readonly [images: Tensor, labels: Tensor];
type LogPosterior = (params: ModelParameters, batch: Batch) => [Tensor, []];

export const algorithmNames: readonly (keyof typeof algorithms)[] = ['vi.diag', 'sghmc'];

/** Two updates on each device from one state; what is answered is of the second, so that compiling and uploading is over. */
export async function compareUpdates(algorithm: keyof typeof algorithms): Promise<Observed> {
  await setBackend('cpu');
  const model = makeNetwork();
  const network = modelToFunction(model);
  const logPosterior = (params: ModelParameters, [images, labels]: Batch): [Tensor, []] =>
    withAux(
      add(mean(categoricalLogProb(network(params, images), labels)), div(diagNormalLogProb(params), numData)),
      [],
    );
  const transform = algorithms[algorithm](logPosterior);
  const images = random.uniform(random.key(2), [batchSize, 784]);
  const labels = tensor(
    [...Array(batchSize).keys()].map((i) => i % 10),
    [batchSize],
    'int32',
  );
  const batch: Batch = [images, labels];

  const start = transform.init(modelParameters(model), { seed: 3 });
  const [first] = transform.update(start, batch);
  const [second] = transform.update(first, batch);
  const expected = await values(second);

  await setBackend('webgpu');
  const watch = watchDevice();
  const [firstThere] = transform.update(start, batch);
  const before = watch.counts();
  const [secondThere] = transform.update(firstThere, batch);
  const after = watch.counts();
  transform.update(firstThere, batch, { inplace: true });
  const afterwards = watch.counts();
  const { elsewhere } = watch;
  watch.stop();

  const actual = await values(secondThere);
  return {
    differences: Object.fromEntries(expected.map(({ path, data }, i) => [path, difference(actual[i]!.data, data)])),
    readbacks: afterwards.readbacks,
    elsewhere,
    equations: after.equations,
    dispatches: after.dispatches - before.dispatches,
    tensors: after.tensors - before.tensors,
    buffers: after.buffers - before.buffers,
    leaves: actual.length,
    left: afterwards.tensors - after.tensors + afterwards.buffers - after.buffers,
  };
}

interface AnyTransform {
  init(params: ModelParameters, options: { seed: number }): object;
  update(state: object, batch: Batch, options?: { inplace: boolean }): [state: object, aux: []];
}

async function values(state: object): Promise<{ path: string; data: Float32Array }[]> {
  const { key: _, step: __, ...tensors } = state as { key: unknown; step: unknown };
  const paths = tree.paths(tensors);
  const leaves = tree.leaves<Tensor>(tensors as never);
  return Promise.all(leaves.map(async (leaf, i) => ({ path: paths[i]!, data: (await leaf.data()) as Float32Array })));
}

/** The largest difference over the largest value expected, as it is where all values are 0; NaN where one value is. */
function difference(actual: Float32Array, expected: Float32Array): number {
  let [worst, largest] = [0, 0];
  for (const [i, value] of expected.entries()) {
    const distance = Math.abs((actual[i] as number) - value);
    worst = Number.isNaN(distance) ? distance : Math.max(worst, distance);
    largest = Math.max(largest, Math.abs(value));
  }
  return largest === 0 ? worst : worst / largest;
}

interface WebGPUDevice {
  bufferManager: { acquireBuffer(size: number, usage: number, ...rest: unknown[]): unknown };
  runWebGPUProgram(...args: unknown[]): unknown;
  shouldExecuteOnCPU(...args: unknown[]): boolean;
}

/** Counts what the current device, webgpu, does until `stop`. */
function watchDevice() {
  const device = theEngine().backend as unknown as WebGPUDevice;
  const backend = currentBackend();
  const counts = { readbacks: 0, dispatches: 0, equations: 0 };
  const elsewhere: string[] = [];
  const restore: (() => void)[] = [];
  const wrap = <T extends object, K extends keyof T>(object: T, name: K, around: (original: T[K]) => T[K]) => {
    const own = Object.getOwnPropertyDescriptor(object, name);
    object[name] = around((object[name] as (...args: unknown[]) => unknown).bind(object) as T[K]);
    restore.push(() => (own === undefined ? delete object[name] : Object.defineProperty(object, name, own)));
  };

  wrap(device.bufferManager, 'acquireBuffer', (acquire) => (size, usage, ...rest) => {
    if (usage & GPUBufferUsage.MAP_READ) counts.readbacks++;
    return acquire(size, usage, ...rest);
  });
  wrap(device, 'runWebGPUProgram', (run) => (...args) => {
    counts.dispatches++;
    return run(...args);
  });
  wrap(device, 'shouldExecuteOnCPU', (should) => (...args) => {
    const answer = should(...args);
    if (answer) elsewhere.push('a kernel of webgpu on the host');
    return answer;
  });
  for (const kernel of getKernelsForBackend('cpu')) {
    wrap(kernel, 'kernelFunc', (run) => (params) => {
      elsewhere.push(kernel.kernelName);
      return run(params);
    });
  }
  wrap(backend, 'compile', (compile) => (program) => {
    const executable = compile(program);
    const computing = executable.program.equations.filter(
      (equation) => equation.type !== 'kernel' || !['Reshape', 'Identity', 'StopGradient'].includes(equation.kernel),
    );
    counts.equations = computing.length;
    return executable;
  });
  return {
    counts: () => ({ ...counts, tensors: memory().numTensors, buffers: theEngine().backend.numDataIds() }),
    elsewhere,
    stop: () => {
      for (const undo of restore) undo();
    },
  };
}
