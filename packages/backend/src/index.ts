export type { Backend, Executable, RunInput } from './backend.ts';
/** @internal For the other packages of this project; any version may change it. */
export { type Calls, type CallsOf, call, input, integers, kernelOfCalls, result, scratch } from './calls.ts';
/** @internal For the tables and tests of this project; any version may change it. */
export { translatedKernels } from './canonical.ts';
export { type DeviceName, setBackend } from './devices.ts';
export type { KernelParameters } from './engine.ts';
/** @internal For the other packages of this project; any version may change it. */
export { theEngine } from './engine.ts';
/** @internal For the other packages of this project; any version may change it. */
export { type Fill, type FillOf, kernelOfFill } from './fills.ts';
/** @internal For the other packages of this project; any version may change it. */
export { allFinite, allFiniteOnHost } from './finite.ts';
export type { FusedProgram } from './fuse.ts';
export type { FusedEquation } from './fused.ts';
/** @internal For the other packages of this project; any version may change it. */
export { elementsOf } from './host-memory.ts';
/** @internal For the other packages of this project; any version may change it. */
export { type KernelCall, kernelCall } from './kernel-call.ts';
export {
  broadcastShape,
  type KernelSpec,
  kernelNames,
  kernelSpec,
  registerKernelSpec,
  type ShapeRule,
} from './kernels.ts';
export { leftOut } from './left-out.ts';
/** @internal For the other packages of this project; any version may change it. */
export { peakBytes } from './peak-bytes.ts';
export { printAval, printEquation, printProgram } from './print.ts';
export {
  type Atom,
  type Attributes,
  type AttributeValue,
  type Aval,
  type CallEquation,
  type Constant,
  type DataType,
  type Equation,
  type HostValues,
  hostValues,
  type KernelEquation,
  type Literal,
  literal,
  newValue,
  type Program,
  type ScanEquation,
  sameShape,
  sizeOf,
  type Value,
} from './program.ts';
export { setMemoryBudget } from './results.ts';
/** @internal For the other packages of this project; any version may change it. */
export { onWebGPU, type Shader, WORKGROUP } from './shader.ts';
export { removeDeadCode, simplify } from './simplify/index.ts';
export { currentBackend } from './tfjs.ts';
export { avalOf, constant, currentTrace, record, Trace, type TraceHooks, trace } from './trace.ts';
/** @internal For the other packages of this project; any version may change it. */
export { literalOf } from './tracer.ts';
/** @internal For the other packages of this project; any version may change it. */
export { addressOf, newTensor, wasmFunctions, withScratch } from './wasm-functions.ts';
