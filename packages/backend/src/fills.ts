/** Kernels on cpu that are known before they run, from the shapes of their inputs: functions that fill an array. */
import type { KernelFunc } from '@tensorflow/tfjs-core';
import { elementsOf } from './host-memory.ts';
import { kernelCall } from './kernel-call.ts';
import { type Attributes, type Aval, type HostValues, hostValues, sizeOf } from './program.ts';

/** Sets the elements of the result, which may hold anything before, from those of the inputs. */
export type Fill = (result: HostValues, inputs: readonly HostValues[]) => void;

/** What a kernel does with inputs of these shapes and dtypes; undefined if it cannot. */
export type FillOf = (inputs: readonly Aval[], attributes: Attributes) => { result: Aval; fill: Fill } | undefined;

const known = new WeakMap<KernelFunc, FillOf>();

/** How a kernel made by {@link kernelOfFill} fills an array. */
export function fillOfKernel(kernel: KernelFunc | undefined): FillOf | undefined {
  return kernel && known.get(kernel);
}

/** A kernel for tfjs's cpu device that fills an array; what that cannot do is left to `otherwise`. */
export function kernelOfFill(fillOf: FillOf, otherwise?: KernelFunc): KernelFunc {
  const kernel: KernelFunc = (parameters) => {
    const { device, inputs, attributes } = kernelCall(parameters);
    const made = fillOf(inputs, attributes);
    if (made === undefined) return (otherwise as KernelFunc)(parameters);
    const { dtype } = made.result;
    const shape = [...made.result.shape];
    const values = hostValues(dtype, sizeOf(shape));
    made.fill(
      values,
      inputs.map((input) => elementsOf(device, input)),
    );
    return { dataId: device.write(values, shape, dtype), shape, dtype };
  };
  known.set(kernel, fillOf);
  return kernel;
}
