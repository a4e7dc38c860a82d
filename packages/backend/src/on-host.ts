/** Kernels that compute in JavaScript, for the devices whose memory the host reads at once. */
import { type KernelBackend, type KernelFunc, registerKernel, type TensorInfo } from '@tensorflow/tfjs-core';
import type { FillOf } from './fills.ts';
import { elementsOf } from './host-memory.ts';
import { kernelSpec } from './kernels.ts';
import type { Attributes } from './program.ts';

type Values = Float32Array | Int32Array;
interface Computed {
  readonly shape: number[];
  readonly values: Values;
}
export interface HostKernel {
  /** Names of the inputs. */
  readonly names: readonly string[];
  /**
   * The inputs are the device's own memory: they are read, and neither changed nor returned. A number says that the result is the input of that
   * number as it is.
   */
  compute(inputs: readonly Values[], shapes: readonly (readonly number[])[], attributes: Attributes): Computed | number;
}

const computing = new WeakMap<KernelFunc, HostKernel['compute']>();

/** How a kernel made by {@link registerOnHost} fills an array; undefined for others, and for those whose shape is not known beforehand. */
export function fillOnHost(kernelFunc: KernelFunc | undefined, kernel: string): FillOf | undefined {
  const compute = kernelFunc && computing.get(kernelFunc);
  const spec = kernelSpec(kernel);
  if (compute === undefined || spec === undefined) return undefined;
  return (inputs, attributes) => ({
    result: spec.shape(inputs, attributes),
    fill(result, read) {
      const shapes = inputs.map(({ shape }) => shape);
      const computed = compute(read as readonly Values[], shapes, attributes);
      result.set(typeof computed === 'number' ? read[computed]! : computed.values);
    },
  });
}

/** Gives a device these kernels. */
export function registerOnHost(device: 'cpu' | 'wasm', kernels: { readonly [kernel: string]: HostKernel }): void {
  for (const [kernelName, { names, compute }] of Object.entries(kernels)) {
    const kernelFunc: KernelFunc = ({ inputs, attrs, backend }) => {
      const infos = names.map((name) => inputs[name] as TensorInfo);
      const memory = backend as KernelBackend;
      const read = infos.map((info) => elementsOf(memory, info) as Values);
      const computed = compute(
        read,
        infos.map((info) => info.shape),
        attrs as unknown as Attributes,
      );
      if (typeof computed === 'number') {
        const { dataId, shape, dtype } = infos[computed] as TensorInfo;
        memory.incRef(dataId);
        return { dataId, shape, dtype };
      }
      const { shape, values } = computed;
      const dtype = values instanceof Int32Array ? 'int32' : 'float32';
      return { dataId: memory.write(values, shape, dtype), shape, dtype };
    };
    computing.set(kernelFunc, compute);
    registerKernel({ kernelName, backendName: device, kernelFunc });
  }
}
