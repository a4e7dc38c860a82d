/** Kernels of this project on tfjs's webgpu device. */
import { type KernelFunc, registerKernel, type TensorInfo } from '@tensorflow/tfjs-core';
import { kernelCall } from './kernel-call.ts';
import { type Attributes, type Aval, type DataType, sizeOf } from './program.ts';

// What is used of tfjs's webgpu device: a program over flat arrays, and the call that runs it.
interface Program {
  readonly outputShape: readonly number[];
  readonly shaderKey: string;
  readonly variableNames: readonly string[];
  readonly workgroupSize: readonly [number, number, number];
  readonly dispatchLayout: { readonly x: readonly number[] };
  readonly dispatch: readonly [number, number, number];
  readonly size: true;
  readonly uniforms: string;
  getUserCode(): string;
}
interface Uniform {
  readonly type: 'int32' | 'float32';
  readonly data: number[];
}
interface WebGPUBackend {
  runWebGPUProgram(
    program: Program,
    inputs: readonly TensorInfo[],
    dtype: DataType,
    uniforms: readonly Uniform[],
  ): TensorInfo;
  disposeData(dataId: object): boolean;
}

/** A shader over flat arrays, so that one serves every shape. */
export interface Shader {
  /** Names of the arrays that it reads, in the order of the kernel's inputs. */
  readonly reads: readonly string[];
  /** The dtype of those arrays, if the code is for one alone. */
  readonly dtype?: DataType;
  /** Names of the integers and of the real numbers that it reads as `uniforms.name`. */
  readonly integers?: readonly string[];
  readonly reals?: readonly string[];
  /** WGSL in front of the main function. */
  readonly functions?: string;
  /** WGSL that sets `result[index]`, run by one thread for each element; or else `main`. */
  readonly statements?: string;
  /** WGSL with all of `fn main(index : i32)`, run by threads in workgroups of {@link WORKGROUP}. */
  readonly main?: string;
}

/** What a shader is run with. */
interface Launch {
  readonly shape: readonly number[];
  /** The dtype of the result; that of the first input by default. */
  readonly dtype?: DataType;
  readonly integers?: readonly number[];
  readonly reals?: readonly number[];
  /** How many workgroups run; by default one thread for each element. */
  readonly workgroups?: number;
  /** How many numbers the shader keeps in its result behind those that are returned. */
  readonly workspace?: number;
}

/** What a shader is run with, for inputs of these shapes and dtypes. */
export type Launcher = (inputs: readonly Aval[], attributes: Attributes) => Launch;

/** Threads of a workgroup. */
export const WORKGROUP = 64;

/**
 * A kernel of tfjs's webgpu device; without `launch` its result has the shape of its first input. The kernel throws when given arrays of
 * another dtype than the shader's: the device would run a program that does not compile, and return zeros.
 */
export function onWebGPU(
  name: string,
  shader: Shader,
  launch: Launcher = ([first]) => ({ shape: first!.shape }),
): KernelFunc {
  const { reads, dtype: only, integers = [], reals = [] } = shader;
  const uniforms = [...integers.map((each) => `${each} : i32,`), ...reals.map((each) => `${each} : f32,`)].join(' ');
  const code = `${shader.functions ?? ''}${shader.main ?? forEachElement(shader.statements as string)}`;
  return (call) => {
    const { inputs, attributes, ...rest } = kernelCall(call);
    const device = rest.device as unknown as WebGPUBackend;
    const other = inputs.find((input) => only !== undefined && input.dtype !== only);
    if (other !== undefined)
      throw new Error(`${name}: the shader is for ${only}, and was given ${other.dtype}[${other.shape}]`);
    const run = launch(inputs, attributes);
    const { workspace = 0, dtype = inputs[0]!.dtype } = run;
    const size = sizeOf(run.shape);
    const whole = size === 0 ? 0 : size + workspace;
    const program = programOf(name, reads, uniforms, code, whole, run.workgroups ?? Math.ceil(whole / WORKGROUP));
    const flat = inputs.map((input) => ({ dataId: input.dataId, dtype: input.dtype, shape: [sizeOf(input.shape)] }));
    let info = device.runWebGPUProgram(program, flat, dtype, [
      ...(run.integers ?? []).map((value): Uniform => ({ type: 'int32', data: [value] })),
      ...(run.reals ?? []).map((value): Uniform => ({ type: 'float32', data: [value] })),
    ]);
    if (workspace > 0) {
      const { dataId } = info;
      info = device.runWebGPUProgram(beginning(size), [info], dtype, []);
      device.disposeData(dataId);
    }
    return { dataId: info.dataId, dtype, shape: [...run.shape] };
  };
}

/** Gives tfjs's webgpu device a kernel: {@link onWebGPU}. */
export function registerShader(kernelName: string, shader: Shader, launch?: Launcher): void {
  registerKernel({ kernelName, backendName: 'webgpu', kernelFunc: onWebGPU(kernelName, shader, launch) });
}

const forEachElement = (statements: string): string => `
fn main(index : i32) {
  if (index < uniforms.size) {
    ${statements}
  }
}`;

/** The first elements of an array. */
const beginning = (size: number): Program =>
  programOf('Beginning', ['x'], '', forEachElement('result[index] = x[index];'), size, Math.ceil(size / WORKGROUP));

function programOf(
  name: string,
  reads: readonly string[],
  uniforms: string,
  code: string,
  size: number,
  workgroups: number,
): Program {
  return {
    outputShape: [size],
    shaderKey: `posteriors${name}`,
    variableNames: [...reads],
    workgroupSize: [WORKGROUP, 1, 1],
    dispatchLayout: { x: [0] },
    dispatch: [workgroups, 1, 1],
    size: true,
    uniforms,
    getUserCode: () => code,
  };
}
