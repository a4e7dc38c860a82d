import {
  getKernel,
  type KernelBackend,
  type KernelFunc,
  type Tensor,
  Tensor as TensorClass,
  type TensorInfo,
  util,
} from '@tensorflow/tfjs-core';
import type { Backend, Executable, RunInput } from './backend.ts';
import { theEngine } from './engine.ts';
import { deviceInputNames } from './kernels.ts';
import { type Holdings, letGo, letGoAfter } from './lifetime.ts';
import { lower } from './lower.ts';
import { withOwnOperand } from './operands.ts';
import { printAval } from './print.ts';
import {
  type Atom,
  type Aval,
  type Equation,
  hostValues,
  type Literal,
  type Program,
  type ScanEquation,
  sameShape,
  sizeOf,
} from './program.ts';
import { type Results, resultsOn } from './results.ts';
import { simplify } from './simplify.ts';
import { withoutCopy } from './slice-on-wasm.ts';

/** The tfjs device that is current (`tf.getBackend()`) as a backend. */
export function currentBackend(): Backend {
  const engine = theEngine();
  const device = engine.backend;
  const name = engine.backendName;
  let backend = backends.get(device);
  if (backend === undefined) {
    backend = {
      name,
      compile: (program) => {
        const holdings: Holdings = { device, data: [] };
        try {
          const executable = compile(program, name, device, holdings, resultsOn(device, name));
          letGoAfter(executable.run, holdings);
          return executable;
        } catch (error) {
          letGo(holdings);
          throw error;
        }
      },
    };
    backends.set(device, backend);
  }
  return backend;
}

const backends = new WeakMap<KernelBackend, Backend>();

/** The methods of a tfjs device that running a program uses. */
type Device = KernelBackend & { makeTensorInfo?(shape: readonly number[], dtype: string): TensorInfo };

type Slots = (TensorInfo | undefined)[];
interface Step {
  /** Computes the outputs of one equation into their slots. */
  run(slots: Slots): void;
  /** Slots that no later step reads. */
  readonly free: readonly number[];
}

/** An equation and the slots it reads and writes. */
interface Plan {
  readonly equation: Equation;
  readonly inputs: readonly number[];
  readonly outputs: readonly number[];
}

/** Calls the device's kernels one after the other, each intermediate freed after its last use. */
function compile(
  original: Program<Tensor>,
  name: string,
  device: Device,
  holdings: Holdings,
  results?: Results,
): Executable {
  const program = lower(simplify(original), name);
  const slotOf = new Map<Atom | number, number>();
  const slot = (atom: Atom): number => {
    const key = atom.kind === 'value' ? atom.id : atom;
    const known = slotOf.get(key);
    if (known !== undefined) return known;
    slotOf.set(key, slotOf.size);
    return slotOf.size - 1;
  };
  const inputSlots = program.inputs.map(slot);
  const constantSlots = program.constants.map(({ value }) => slot(value));
  const literals = new Map<Literal, number>();
  const visit = (atom: Atom): number => {
    const index = slot(atom);
    if (atom.kind === 'literal') literals.set(atom, index);
    return index;
  };

  const lastUse = new Map<number, number>();
  const plans = program.equations.map((equation, i): Plan => {
    const inputs = equation.inputs.map(visit);
    const outputs = equation.outputs.map(visit);
    for (const index of [...inputs, ...outputs]) lastUse.set(index, i);
    return { equation, inputs, outputs };
  });
  const outputSlots = program.outputs.map(visit);
  for (const index of [...inputSlots, ...constantSlots, ...literals.values(), ...outputSlots]) lastUse.delete(index);

  const makeStep = ({ equation, inputs, outputs }: Plan, i: number): Step => {
    const free = [...new Set([...inputs, ...outputs])].filter((index) => lastUse.get(index) === i);
    if (equation.type === 'call') throw new Error('a custom derivative is left in a simplified program');
    if (equation.type === 'scan') {
      const body = compile(equation.body as Program<Tensor>, name, device, holdings);
      return { run: (slots) => runScan(equation, body, device, name, slots, inputs, outputs), free };
    }
    const kernelFunc = deviceKernel(equation.kernel, name);
    const names = deviceInputNames(equation.kernel);
    const [output] = outputs as [number];
    const run = (slots: Slots): void => {
      const result = kernelFunc({
        inputs: bind(names, inputs, slots),
        attrs: equation.attributes as {},
        backend: device,
      });
      if (!Array.isArray(result)) slots[output] = result;
      else
        outputs.forEach((index, i) => {
          slots[index] = result[i];
        });
    };
    return { run, free };
  };
  const steps = plans.map(makeStep);
  const hold = [...literals].map(([literal, index]) => {
    const info = write(device, literal, literal.values.slice());
    holdings.data.push(info);
    return { index, info };
  });

  const owned = new Set(
    [...lastUse.keys(), ...outputSlots].filter(
      (index) => ![...inputSlots, ...constantSlots, ...literals.values()].includes(index),
    ),
  );
  const slotCount = slotOf.size;
  let disposed = false;

  return {
    program,
    run(inputs: readonly RunInput[]): Tensor[] {
      if (disposed) throw new Error('this executable was disposed and cannot run again');
      if (inputs.length !== program.inputs.length)
        throw new Error(`the program takes ${program.inputs.length} inputs and was given ${inputs.length}`);
      const slots: Slots = new Array(slotCount);
      const written: TensorInfo[] = [];
      results?.beforeRun(inputs, program.constants);
      let done = false;
      try {
        for (const { index, info } of hold) slots[index] = info;
        for (let i = 0; i < inputs.length; i++) {
          slots[inputSlots[i] as number] = place(inputs[i] as RunInput, program.inputs[i] as Aval, device, written);
        }
        program.constants.forEach(({ value, source }, i) => {
          slots[constantSlots[i] as number] = place(source, value, device, written);
        });
        for (const step of steps) {
          step.run(slots);
          for (const index of step.free) {
            release(device, slots[index]);
            slots[index] = undefined;
          }
        }
        done = true;
        return collect(device, slots, outputSlots, owned, results);
      } finally {
        for (const info of written) release(device, info);
        if (!done) for (const index of owned) release(device, slots[index]);
      }
    },
    dispose(): void {
      disposed = true;
      letGo(holdings);
    },
  };
}

function bind(
  names: readonly string[] | undefined,
  inputs: readonly number[],
  slots: Slots,
): { [name: string]: TensorInfo } {
  if (names === undefined)
    return inputs.map((index) => slots[index] as TensorInfo) as unknown as { [name: string]: TensorInfo };
  const bound: { [name: string]: TensorInfo } = {};
  for (let i = 0; i < inputs.length; i++) bound[names[i] as string] = slots[inputs[i] as number] as TensorInfo;
  return bound;
}

function deviceKernel(kernel: string, device: string): KernelFunc {
  const registered = getKernel(kernel, device);
  if (registered === null || registered === undefined) {
    throw new Error(
      `the device ${device} has no kernel ${kernel}. Use another device (setBackend), or register the kernel with defineKernel.`,
    );
  }
  const { kernelFunc } = registered;
  if (device !== 'wasm') return kernelFunc;
  if (kernel === 'Slice') return withoutCopy(kernelFunc);
  return kernel === 'BatchMatMul' ? withOwnOperand(kernelFunc) : kernelFunc;
}

function write(device: Device, aval: Aval, values: object): TensorInfo {
  return {
    dataId: device.write(values as never, aval.shape as number[], aval.dtype),
    shape: aval.shape as number[],
    dtype: aval.dtype,
  };
}

/** The input on this device, checked against what the program was made for. */
function place(input: RunInput, aval: Aval, device: Device, written: TensorInfo[]): TensorInfo {
  if (!(input instanceof TensorClass)) {
    const values = hostValues(aval.dtype, sizeOf(aval.shape));
    const given = typeof input === 'number' ? 1 : input.length;
    if (given !== values.length) {
      throw new Error(`a compiled program takes ${printAval(aval)} and was given ${given} values`);
    }
    if (typeof input === 'number') values.fill(input);
    else values.set(input);
    const info = write(device, aval, values);
    written.push(info);
    return info;
  }
  if (input.isDisposed)
    throw new Error(
      `a disposed tensor ${printAval(aval)} was given to a compiled function, or was captured by it and disposed since`,
    );
  if (input.dtype !== aval.dtype || !sameShape(input.shape, aval.shape)) {
    throw new Error(`a compiled program takes ${printAval(aval)} and was given ${input.dtype}[${input.shape}]`);
  }
  const { dataId } = input;
  const engine = theEngine();
  const info = engine.state.tensorInfo.get(dataId);
  if (info === undefined) {
    throw new Error(
      `a tensor ${printAval(aval)} without data was given to a compiled program: it was disposed, or it is traced and stands for no value yet`,
    );
  }
  if (info.backend !== device) engine.moveData(device, dataId);
  return input;
}

// Some kernels of tfjs's cpu device return tensors that the engine counts: those are disposed as tensors. The engine also counts a buffer
// that was shared with a tensor, and would do so for ever if the last reference to it ended unnoticed.
function release(device: Device, info: TensorInfo | undefined): void {
  if (info === undefined) return;
  if (info instanceof TensorClass) info.dispose();
  else if (device.disposeData(info.dataId)) theEngine().removeDataId(info.dataId, device);
}

/** Makes the results tensors of the caller's; a result that is not this run's own is shared by a reference count. */
function collect(
  device: Device,
  slots: Slots,
  outputSlots: readonly number[],
  owned: ReadonlySet<number>,
  results?: Results,
): Tensor[] {
  const taken = new Set<number>();
  return outputSlots.map((index) => {
    const info = slots[index] as TensorInfo;
    if (owned.has(index) && !taken.has(index)) {
      taken.add(index);
      results?.add(info.dataId, sizeOf(info.shape) * util.bytesPerElement(info.dtype));
      if (info instanceof TensorClass) return info as Tensor;
    } else {
      device.incRef(info.dataId);
    }
    return theEngine().makeTensorFromTensorInfo(
      { dataId: info.dataId, shape: [...info.shape], dtype: info.dtype },
      device,
    );
  });
}

/** Runs the body once per slice, and stacks what it returns. */
function runScan(
  equation: ScanEquation,
  body: Executable,
  device: Device,
  name: string,
  slots: Slots,
  inputs: readonly number[],
  outputs: readonly number[],
): void {
  const { length, constants, carry: carried, reverse } = equation;
  const engine = theEngine();
  const call = (kernel: string, named: object, attributes: object): TensorInfo =>
    deviceKernel(kernel, name)({ inputs: named as {}, attrs: attributes as {}, backend: device }) as TensorInfo;
  const empty = (aval: Aval): TensorInfo => write(device, aval, hostValues(aval.dtype, 0));
  const asTensor = (info: TensorInfo): Tensor => {
    device.incRef(info.dataId);
    return engine.makeTensorFromTensorInfo(info, device);
  };
  const fixed = inputs.slice(0, constants).map((index) => asTensor(slots[index] as TensorInfo));
  let carry = inputs.slice(constants, constants + carried).map((index) => asTensor(slots[index] as TensorInfo));
  const rows: Tensor[][] = [];
  try {
    for (let i = 0; i < length; i++) {
      const row = reverse ? length - 1 - i : i;
      const xs: Tensor[] = [];
      let results: Tensor[];
      try {
        for (const index of inputs.slice(constants + carried)) {
          const whole = slots[index] as TensorInfo;
          const rest = whole.shape.slice(1);
          const slice = { begin: [row, ...rest.map(() => 0)], size: [1, ...rest] };
          const one = sizeOf(rest) === 0 ? empty(whole as Aval) : call('Slice', { x: whole }, slice);
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
      slots[index] = sizeOf(stacked.shape) === 0 ? empty(stacked) : call('Pack', each, { axis: 0 });
    });
  } finally {
    for (const tensor of [...fixed, ...carry, ...rows.flat()]) tensor.dispose();
  }
}
