import {
  getKernel,
  type KernelBackend,
  type KernelFunc,
  type NamedAttrMap,
  type NamedTensorInfoMap,
  type Tensor,
  Tensor as TensorClass,
  type TensorInfo,
} from '@tensorflow/tfjs-core';
import type { Backend, Executable, RunInput } from './backend.ts';
import { collector, placeTensor, release, write } from './device-data.ts';
import { kernelElsewhere } from './elsewhere.ts';
import { theEngine } from './engine.ts';
import type { FusedProgram } from './fuse.ts';
import { HostInput, keepsHostInputs } from './host-input.ts';
import { deviceInputNames } from './kernels.ts';
import { kernelOnCpu } from './kernels-on-cpu.ts';
import { kernelOnWasm } from './kernels-on-wasm.ts';
import { type Holdings, letGo, letGoAfter } from './lifetime.ts';
import { lower } from './lower.ts';
import { peakBytes } from './peak-bytes.ts';
import type { Aval, Constant, HostValues, KernelEquation, Literal, Program } from './program.ts';
import { type Results, resultsOn } from './results.ts';
import { type Routine, type RoutineProgram, withRoutines } from './routine.ts';
import { type RoutineContext, type RunRoutine, routineDevice } from './routines.ts';
import { scanStep } from './scan-on-device.ts';
import { simplify } from './simplify/index.ts';
import { type Plan, slotsOf } from './slots.ts';

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

/** What is in the slots of a run. */
type Infos = (TensorInfo | undefined)[];

interface Step {
  /** Computes the outputs of one equation into their slots. */
  run(slots: Infos): void;
  /** Slots that no later step reads. */
  readonly free: readonly number[];
}

/** Calls the device's kernels one after the other, each intermediate freed after its last use. */
function compile(
  original: Program<Tensor>,
  name: string,
  device: KernelBackend,
  holdings: Holdings,
  results?: Results,
): Executable {
  const engine = theEngine();
  const program = lower(simplify(original), name);
  const hold = (literal: Literal): TensorInfo => {
    const info = write(device, literal, literal.values.slice());
    holdings.data.push(info);
    return info;
  };
  const routines = compileRoutines(program, { device, hold, ...loweringOn(name) }, name);
  const { count, plans, own, literals, ...ends } = slotsOf(routines.program);
  const known: Infos = new Array(count).fill(undefined);
  for (const [literal, index] of literals) known[index] = hold(literal);

  const makeStep = (plan: Plan): Step => {
    const { equation, inputs, outputs, free } = plan;
    if (equation.type === 'call') throw new Error('a custom derivative is left in a simplified program');
    if (equation.type === 'fused') throw new Error('a loop is left outside of the routines of a program');
    if (equation.type === 'routine') {
      const routine = routines.runs.get(equation) as RunRoutine;
      const run = (slots: Infos): void => {
        const results = routine(inputs.map((index) => slots[index] as TensorInfo));
        outputs.forEach((index, i) => {
          slots[index] = results[i];
        });
      };
      return { run, free };
    }
    if (equation.type === 'scan') {
      const body = compile(equation.body as Program<Tensor>, name, device, holdings);
      const kernel = (of: string): KernelFunc => deviceKernel(of, name);
      return { run: scanStep(equation, body, device, kernel, inputs, outputs), free };
    }
    const kernelFunc = deviceKernel(equation.kernel, name);
    const names = deviceInputNames(equation.kernel);
    return { run: kernelStep(kernelFunc, names, plan, device, known, (index) => own.has(index)), free };
  };
  const steps = plans.map(makeStep);
  const collect = collector(
    device,
    program.outputs,
    ends.outputs.map((index, i) => own.has(index) && ends.outputs.indexOf(index) === i),
    results,
  );
  const keep = keepsHostInputs(name, program);
  const hostInputs = program.inputs.map((aval) => new HostInput(device, aval, keep, holdings));
  let disposed = false;

  return {
    source: original,
    program,
    peakBytes: peakBytes(routines.program),
    get code() {
      return routines.code();
    },
    run(inputs: readonly RunInput[]): Tensor[] {
      if (disposed) throw new Error('this executable was disposed and cannot run again');
      if (inputs.length !== program.inputs.length)
        throw new Error(`the program takes ${program.inputs.length} inputs and was given ${inputs.length}`);
      const slots = known.slice();
      const infos: TensorInfo[] = [];
      results?.beforeRun(inputs, program.constants);
      let done = false;
      try {
        for (let i = 0; i < inputs.length; i++) {
          const input = inputs[i] as RunInput;
          slots[ends.inputs[i] as number] =
            input instanceof TensorClass
              ? placeTensor(engine, device, input as Tensor, program.inputs[i] as Aval)
              : (hostInputs[i] as HostInput).write(input as HostValues | number);
        }
        for (let i = 0; i < ends.constants.length; i++) {
          const { value, source } = program.constants[i] as Constant<Tensor>;
          slots[ends.constants[i] as number] = placeTensor(engine, device, source, value);
        }
        for (const { run, free } of steps) {
          run(slots);
          for (const index of free) {
            release(engine, device, slots[index]);
            slots[index] = undefined;
          }
        }
        for (const index of ends.outputs) infos.push(slots[index] as TensorInfo);
        done = true;
        return collect(infos);
      } finally {
        for (const input of hostInputs) input.endRun(infos);
        if (!done) for (const index of own) release(engine, device, slots[index]);
      }
    },
    dispose(): void {
      disposed = true;
      letGo(holdings);
    },
  };
}

/**
 * Runs a kernel between slots. The object in which it finds its inputs is made once: literals stay in it, and what a run was given is taken out
 * again, so that nothing of the caller's is held.
 */
function kernelStep(
  kernelFunc: KernelFunc,
  names: readonly string[] | undefined,
  { equation, inputs, outputs }: Plan,
  device: KernelBackend,
  known: Infos,
  isOwn: (index: number) => boolean,
): (slots: Infos) => void {
  const bound: Record<string | number, TensorInfo | undefined> = names === undefined ? ([] as never) : {};
  const reads = inputs.map((index, i) => ({ index, name: names === undefined ? i : (names[i] as string) }));
  for (const { index, name } of reads) bound[name] = known[index];
  const changing = reads.filter(({ index }) => known[index] === undefined);
  const given = changing.filter(({ index }) => !isOwn(index));
  const { attributes } = equation as KernelEquation;
  const parameters = { inputs: bound as NamedTensorInfoMap, attrs: attributes as NamedAttrMap, backend: device };
  const [output] = outputs as [number];
  return (slots) => {
    for (const { index, name } of changing) bound[name] = slots[index];
    let result: TensorInfo | TensorInfo[];
    try {
      result = kernelFunc(parameters);
    } finally {
      for (const { name } of given) bound[name] = undefined;
    }
    if (!Array.isArray(result)) slots[output] = result;
    else
      outputs.forEach((index, i) => {
        slots[index] = result[i];
      });
  };
}

/** The program as routines and what is none, and what runs them. */
function compileRoutines(
  program: FusedProgram,
  context: RoutineContext,
  name: string,
): { readonly program: RoutineProgram; readonly runs: ReadonlyMap<Routine, RunRoutine>; readonly code: () => string } {
  const device = routineDevice(name);
  if (device === undefined) return { program, runs: new Map(), code: () => '' };
  const parted = withRoutines(program, (equation) => device.isCallable(equation, context));
  const routines = parted.equations.filter((equation) => equation.type === 'routine');
  const { runs, code } = device.compile(routines, context);
  return { program: parted, runs: new Map(routines.map((routine, i) => [routine, runs[i] as RunRoutine])), code };
}

/** What a device has for kernels and loops. */
function loweringOn(name: string): Pick<RoutineContext, 'kernel' | 'bodyOf'> {
  const bodies = new WeakMap<Program, FusedProgram>();
  return {
    kernel: (kernel) => ownKernel(kernel, name),
    bodyOf({ body }) {
      const lowered = bodies.get(body) ?? lower(simplify(body), name);
      bodies.set(body, lowered);
      return lowered;
    },
  };
}

/** What the device runs a kernel with, if it has it. */
function ownKernel(kernel: string, device: string): KernelFunc | undefined {
  const registered = getKernel(kernel, device)?.kernelFunc;
  if (device === 'wasm') return kernelOnWasm(kernel, registered);
  return device === 'cpu' ? kernelOnCpu(kernel, registered) : registered;
}

function deviceKernel(kernel: string, device: string): KernelFunc {
  return ownKernel(kernel, device) ?? kernelElsewhere(kernel, device);
}
