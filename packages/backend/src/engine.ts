import { engine, type KernelBackend, type Tensor, type TensorInfo, version_core } from '@tensorflow/tfjs-core';

/** The parts of tfjs's engine that tracing and direct kernel calls use; some are private in its types. */
export interface Engine {
  backend: KernelBackend;
  backendName: string;
  /** The devices that were started, until they are removed. */
  readonly registry: { readonly [name: string]: KernelBackend };
  /** What makes each registered device. */
  readonly registryFactory: { readonly [name: string]: object };
  readonly state: {
    gradientDepth: number;
    kernelDepth: number;
    numTensors: number;
    numBytes: number;
    numDataBuffers: number;
    activeScope: { name: string } | null;
    scopeStack: { name: string }[];
    tensorInfo: WeakMap<object, { backend: KernelBackend }>;
  };
  runKernel(name: string, inputs: NamedInputs, attributes?: object): Tensor | Tensor[];
  runKernelFunc(parameters: KernelParameters): Tensor | Tensor[];
  gradients(f: () => Tensor, xs: Tensor[], dy?: Tensor, allowNoGradients?: boolean): { value: Tensor; grads: Tensor[] };
  makeTensor(values: unknown, shape: number[], dtype?: string, backend?: KernelBackend): Tensor;
  makeVariable(initial: Tensor, trainable?: boolean, name?: string, dtype?: string): Tensor;
  makeTensorFromTensorInfo(info: TensorInfo, backend?: KernelBackend): Tensor;
  disposeTensor(tensor: Tensor): void;
  disposeVariable(variable: Tensor): void;
  trackTensor(tensor: Tensor, backend?: KernelBackend): void;
  removeDataId(dataId: object, backend: KernelBackend): void;
  moveData(backend: KernelBackend, dataId: object): void;
  isTapeOn(): boolean;
  addTapeNode(
    name: string,
    inputs: { readonly [name: string]: Tensor },
    outputs: readonly Tensor[],
    backward: (dys: Tensor | Tensor[], saved: Tensor[]) => { [name: string]: () => Tensor },
    saved: readonly Tensor[],
    attributes: object,
  ): void;
  clone(tensor: Tensor): Tensor;
  keep(tensor: Tensor): Tensor;
  nextTensorId(): number;
  endScope(result?: unknown): void;
}

export type NamedInputs = { readonly [name: string]: Tensor | undefined | null } | readonly Tensor[];

/** What tfjs's `customGrad` hands to the engine. */
export interface KernelParameters {
  readonly forwardFunc: (backend: KernelBackend | null, save: (tensors: Tensor[]) => void) => Tensor;
  readonly backwardsFunc: (dy: Tensor, saved: Tensor[]) => { [name: string]: () => Tensor };
  readonly inputs: { readonly [name: string]: Tensor };
}

export function theEngine(): Engine {
  return engine() as unknown as Engine;
}

const supported = '4.22';
if (!version_core.startsWith(`${supported}.`)) {
  console.warn(
    `@posteriors/backend is made for @tensorflow/tfjs-core ${supported} and found ${version_core}: tracing relies on the engine's internals, so install ${supported} if anything misbehaves.`,
  );
}
