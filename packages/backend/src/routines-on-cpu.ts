/** Routines on tfjs's cpu device. */
import type { KernelBackend, TensorInfo } from '@tensorflow/tfjs-core';
import { makeAll } from './device-data.ts';
import { fillOfKernel } from './fills.ts';
import { elementsOf } from './host-memory.ts';
import type { HostValues } from './program.ts';
import { type DeviceEquation, isAlias, mayBeRoutine, type Routine } from './routine.ts';
import { type RoutineSource, routineSource } from './routine-source.ts';
import type { CompiledRoutines, RoutineContext, RunRoutine } from './routines.ts';

type CpuDevice = KernelBackend & {
  makeTensorInfo(shape: number[], dtype: string, values: HostValues): TensorInfo;
};

/** What the expressions of kernels use; the remainder has the sign of the divisor. */
const prelude = `const { fround } = Math;
const mod = (a, b) => { const r = a % b; return r !== 0 && r < 0 !== b < 0 ? r + b : r; };`;

/** Bytes to work in that a routine keeps from one run to the next; making arrays anew takes longer than what small ones are made for. */
const mostKept = 2 ** 20;

let allowed: boolean | undefined;

/** Whether functions may be made of their source, which the security policy of a page can forbid. */
export function mayMakeFunctions(): boolean {
  if (allowed === undefined) {
    try {
      allowed = new Function('return true')() as boolean;
    } catch {
      allowed = false;
    }
  }
  return allowed;
}

/** Whether an equation can be part of a routine. */
export function isCallableOnCpu(equation: DeviceEquation, context: RoutineContext): boolean {
  if (equation.type === 'fused' || isAlias(equation)) return true;
  if (equation.type === 'scan')
    return mayBeRoutine(context.bodyOf(equation).equations, (each) => isCallableOnCpu(each, context));
  if (equation.type === 'call') return false;
  return fillOfKernel(context.kernel(equation.kernel))?.(equation.inputs, equation.attributes) !== undefined;
}

/** Compiles routines, each to a function of its own. */
export function routinesOnCpu(routines: readonly Routine[], context: RoutineContext): CompiledRoutines {
  const { device } = context;
  const sources = routines.map((routine) => routineSource(routine, context));
  const runs = routines.map((routine, i): RunRoutine => {
    const { source, kernels, literals, bytes } = sources[i] as RoutineSource;
    const names = [...kernels.map((_, i) => `kernel${i}`), ...literals.map((_, i) => `literal${i}`)];
    const values = [...kernels, ...literals.map((literal) => literal.values)];
    const factory = new Function(...names, `${prelude}\n${source}`) as (
      ...values: readonly unknown[]
    ) => (...arrays: readonly HostValues[]) => readonly HostValues[];
    const kept = bytes <= mostKept ? factory(...values) : undefined;
    return (inputs) => {
      const run = kept ?? factory(...values);
      const results = run(...inputs.map((input) => elementsOf(device, input)));
      return makeAll(device, routine.outputs, ({ shape, dtype }, i) =>
        (device as CpuDevice).makeTensorInfo([...shape], dtype, results[i] as HostValues),
      );
    };
  });
  return { runs, code: () => sources.map(({ source }) => source).join('\n') };
}
