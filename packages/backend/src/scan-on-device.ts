/** Loops of a program on a tfjs device. */
import type { KernelBackend, KernelFunc, Tensor, TensorInfo } from '@tensorflow/tfjs-core';
import type { Executable } from './backend.ts';
import { write } from './device-data.ts';
import { theEngine } from './engine.ts';
import { type Aval, hostValues, type ScanEquation, sizeOf } from './program.ts';

/** Runs the body once per slice, and stacks what it returns; `inputs` and `outputs` are those slots of the program that the loop reads and writes. */
export function scanStep(
  equation: ScanEquation,
  body: Executable,
  device: KernelBackend,
  kernel: (name: string) => KernelFunc,
  inputs: readonly number[],
  outputs: readonly number[],
): (slots: (TensorInfo | undefined)[]) => void {
  const { length, constants, carry: carried, reverse } = equation;
  const engine = theEngine();
  const [slice, pack] = [kernel('Slice'), kernel('Pack')];
  const call = (kernelFunc: KernelFunc, named: object, attributes: object): TensorInfo =>
    kernelFunc({ inputs: named as {}, attrs: attributes as {}, backend: device }) as TensorInfo;
  const empty = (aval: Aval): TensorInfo => write(device, aval, hostValues(aval.dtype, 0));
  const asTensor = (info: TensorInfo): Tensor => {
    device.incRef(info.dataId);
    return engine.makeTensorFromTensorInfo(info, device);
  };
  const constantSlots = inputs.slice(0, constants);
  const carrySlots = inputs.slice(constants, constants + carried);
  const sliceSlots = inputs.slice(constants + carried);

  return (slots) => {
    const fixed = constantSlots.map((index) => asTensor(slots[index] as TensorInfo));
    let carry = carrySlots.map((index) => asTensor(slots[index] as TensorInfo));
    const rows: Tensor[][] = [];
    try {
      for (let i = 0; i < length; i++) {
        const row = reverse ? length - 1 - i : i;
        const xs: Tensor[] = [];
        let results: Tensor[];
        try {
          for (const index of sliceSlots) {
            const whole = slots[index] as TensorInfo;
            const rest = whole.shape.slice(1);
            const range = { begin: [row, ...rest.map(() => 0)], size: [1, ...rest] };
            const one = sizeOf(rest) === 0 ? empty(whole as Aval) : call(slice, { x: whole }, range);
            xs.push(engine.makeTensorFromTensorInfo({ ...one, shape: rest }, device));
          }
          results = body.run([...fixed, ...carry, ...xs]);
        } finally {
          for (const x of xs) x.dispose();
        }
        for (const old of carry) old.dispose();
        carry = results.slice(0, carried);
        rows[row] = results.slice(carried);
      }
      carry.forEach((tensor, i) => {
        device.incRef(tensor.dataId);
        slots[outputs[i] as number] = { dataId: tensor.dataId, shape: tensor.shape, dtype: tensor.dtype };
      });
      outputs.slice(carried).forEach((index, i) => {
        const stacked = equation.outputs[carried + i] as Aval;
        const each = rows.map((row) => row[i]);
        slots[index] = sizeOf(stacked.shape) === 0 ? empty(stacked) : call(pack, each, { axis: 0 });
      });
    } finally {
      for (const tensor of [...fixed, ...carry, ...rows.flat()]) tensor.dispose();
    }
  };
}
