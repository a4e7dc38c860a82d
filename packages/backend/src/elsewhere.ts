/** Kernels that a device lacks and that run on cpu in its place. */
import { findBackend, getKernel, type KernelBackend, type KernelFunc, type TensorInfo } from '@tensorflow/tfjs-core';
import { write } from './device-data.ts';
import { theEngine } from './engine.ts';
import type { Aval } from './program.ts';

const warned = new Set<string>();

/**
 * The kernel of the cpu device for tensors of another, with one warning for each. A device that cannot be read at once has no use for it.
 *
 * @throws if the kernel cannot run there: the error names it and says what helps.
 */
export function kernelElsewhere(kernel: string, device: string): KernelFunc {
  const complaint = `the device ${device} has no kernel ${kernel}`;
  const registered = getKernel(kernel, 'cpu') ?? undefined;
  if (registered === undefined || device === 'cpu') {
    throw new Error(`${complaint}. Use another device (setBackend), or register the kernel with defineKernel.`);
  }
  if (device === 'webgpu') {
    throw new Error(
      `${complaint}, and what it computes cannot be read in time for the one of cpu to take its place. Run this on another device ` +
        `(setBackend), or register the kernel for webgpu with defineKernel.`,
    );
  }
  if (!('cpu' in theEngine().registryFactory)) {
    throw new Error(
      `${complaint}, and cpu is not there to run it. Import '@posteriors/backend/cpu', or register the kernel with defineKernel.`,
    );
  }
  if (!warned.has(`${device} ${kernel}`)) {
    warned.add(`${device} ${kernel}`);
    console.warn(`${complaint}: it runs on cpu, to which and from which its tensors are copied each time.`);
  }
  return ({ inputs, attrs, backend }) => {
    const there = backend as KernelBackend;
    const cpu = findBackend('cpu') as KernelBackend;
    const copied: TensorInfo[] = [];
    const toCpu = (info: TensorInfo): TensorInfo => {
      const values = there.readSync(info.dataId) as { slice(): object };
      copied.push(write(cpu, info as Aval, values.slice()));
      return copied.at(-1) as TensorInfo;
    };
    try {
      const named = Object.entries(inputs).flatMap(([name, info]) =>
        info === undefined ? [] : [[name, toCpu(info)] as const],
      );
      const results = registered.kernelFunc({ inputs: Object.fromEntries(named), attrs: attrs ?? {}, backend: cpu });
      const back = [results].flat().map((info) => {
        const values = (cpu.readSync(info.dataId) as { slice(): object }).slice();
        copied.push(info);
        return write(there, info as Aval, values);
      });
      return Array.isArray(results) ? back : (back[0] as TensorInfo);
    } finally {
      for (const { dataId } of copied) cpu.disposeData(dataId);
    }
  };
}
