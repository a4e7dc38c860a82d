/** The data of programs on a tfjs device: what goes in, what is freed, and what comes out. */
import { type KernelBackend, type Tensor, Tensor as TensorClass, type TensorInfo, util } from '@tensorflow/tfjs-core';
import { type Engine, theEngine } from './engine.ts';
import { printAval } from './print.ts';
import { type Aval, sameShape, sizeOf } from './program.ts';
import type { Results } from './results.ts';

/** New data on a device. */
export function write(device: KernelBackend, { shape, dtype }: Aval, values: object): TensorInfo {
  return { dataId: device.write(values as never, shape as number[], dtype), shape: shape as number[], dtype };
}

/** What `make` makes for each, or nothing if it fails for one. */
export function makeAll<A>(
  device: KernelBackend,
  each: readonly A[],
  make: (one: A, i: number) => TensorInfo,
): TensorInfo[] {
  const made: TensorInfo[] = [];
  try {
    each.forEach((one, i) => {
      made.push(make(one, i));
    });
    return made;
  } catch (error) {
    for (const { dataId } of made) device.disposeData(dataId);
    throw error;
  }
}

// Some kernels of tfjs's cpu device return tensors that the engine counts: those are disposed as tensors. The engine also counts a buffer
// that was shared with a tensor, and would do so for ever if the last reference to it ended unnoticed.
export function release(engine: Engine, device: KernelBackend, info: TensorInfo | undefined): void {
  if (info === undefined) return;
  if (info instanceof TensorClass) info.dispose();
  else if (device.disposeData(info.dataId)) engine.removeDataId(info.dataId, device);
}

/** The tensor on this device, checked against what the program was made for. */
export function placeTensor(engine: Engine, device: KernelBackend, input: Tensor, aval: Aval): TensorInfo {
  if (input.isDisposed)
    throw new Error(
      `a disposed tensor ${printAval(aval)} was given to a compiled function, or was captured by it and disposed since`,
    );
  if (input.dtype !== aval.dtype || !sameShape(input.shape, aval.shape)) {
    throw new Error(`a compiled program takes ${printAval(aval)} and was given ${input.dtype}[${input.shape}]`);
  }
  const { dataId } = input;
  const info = engine.state.tensorInfo.get(dataId);
  if (info === undefined) {
    throw new Error(
      `a tensor ${printAval(aval)} without data was given to a compiled program: it was disposed, or it is traced and stands for no value yet`,
    );
  }
  if (info.backend !== device) engine.moveData(device, dataId);
  return input;
}

/** Makes of the values of programs tensors of the caller's. */
export function collector(
  device: KernelBackend,
  outputs: readonly Aval[],
  own: readonly boolean[],
  results: Results | undefined,
): (infos: readonly TensorInfo[]) => Tensor[] {
  const engine = theEngine();
  const bytes = outputs.map(({ shape, dtype }) => sizeOf(shape) * util.bytesPerElement(dtype));
  return (infos) => {
    const tensors: Tensor[] = [];
    for (let i = 0; i < infos.length; i++) {
      const info = infos[i] as TensorInfo;
      // A result that is not the run's own is shared by a reference count.
      if (!own[i]) device.incRef(info.dataId);
      else results?.add(info.dataId, bytes[i] as number);
      const isTensor = own[i] && info instanceof TensorClass;
      tensors.push(isTensor ? (info as Tensor) : engine.makeTensorFromTensorInfo(info, device));
    }
    return tensors;
  };
}
