import type { Attributes, Aval, DataType, ShapeRule } from '@posteriors/backend';
import type { KernelFunc, TensorInfo } from '@tensorflow/tfjs-core';
import { kernelCall } from './kernels.host.ts';
import { WORKGROUP } from './wgsl.ts';

// What is used of tfjs's webgpu device: a program over flat arrays, and the call that runs it.
interface Program {
  readonly outputShape: number[];
  readonly shaderKey: string;
  readonly variableNames: string[];
  readonly workgroupSize: [number, number, number];
  readonly dispatchLayout: { x: number[] };
  readonly dispatch: [number, number, number];
  readonly size: true;
  readonly uniforms: string;
  getUserCode(): string;
}
interface Uniform {
  readonly type: 'int32' | 'float32';
  readonly data: number[];
}
interface WebGPUBackend {
  runWebGPUProgram(program: Program, inputs: TensorInfo[], dtype: DataType, uniforms: Uniform[]): TensorInfo;
  disposeData(dataId: object): boolean;
}

/** A shader over flat arrays, so that one serves every shape. */
export interface Shader {
  /** Names of the arrays that it reads, in the order of the kernel's inputs. */
  readonly reads: readonly string[];
  /** Names of the integers and of the real numbers that it reads as `uniforms.name`. */
  readonly integers: readonly string[];
  readonly reals?: readonly string[];
  readonly code: string;
}

/** What a shader is run with. */
export interface Launch {
  /** How many workgroups run. */
  readonly workgroups: number;
  readonly integers: readonly number[];
  readonly reals?: readonly number[];
  /** How many numbers the shader keeps in its result behind those that are returned. */
  readonly workspace?: number;
}

/** A kernel of tfjs's webgpu device. */
export function onWebGPU(
  name: string,
  shape: ShapeRule,
  { reads, integers, reals = [], code }: Shader,
  launch: (inputs: readonly Aval[], result: Aval, attributes: Attributes) => Launch,
): KernelFunc {
  const uniforms = [...integers.map((each) => `${each} : i32,`), ...reals.map((each) => `${each} : f32,`)].join(' ');
  return (call) => {
    const backend = call.backend as unknown as WebGPUBackend;
    const { inputs, result } = kernelCall(shape, call.inputs, call.attrs);
    const run = launch(inputs as unknown as readonly Aval[], result, call.attrs as unknown as Attributes);
    const { workspace = 0 } = run;
    const size = sizeOf(result);
    const flat = inputs.map((input) => ({ dataId: input.dataId, dtype: input.dtype, shape: [sizeOf(input)] }));
    const values = [
      ...run.integers.map((value): Uniform => ({ type: 'int32', data: [value] })),
      ...(run.reals ?? []).map((value): Uniform => ({ type: 'float32', data: [value] })),
    ];
    const program = programOf(name, reads, uniforms, code, size === 0 ? 0 : size + workspace, run.workgroups);
    let info = backend.runWebGPUProgram(program, flat, result.dtype, values);
    if (workspace > 0) {
      const whole = info;
      info = backend.runWebGPUProgram(beginning(size), [whole], result.dtype, []);
      backend.disposeData(whole.dataId);
    }
    return { dataId: info.dataId, dtype: info.dtype, shape: [...result.shape] };
  };
}

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

/** The first elements of an array. */
function beginning(size: number): Program {
  const code = `
fn main(index : i32) {
  if (index < uniforms.size) {
    result[index] = x[index];
  }
}`;
  return programOf('Beginning', ['x'], '', code, size, Math.ceil(size / WORKGROUP));
}

function sizeOf({ shape }: { readonly shape: readonly number[] }): number {
  return shape.reduce((product, n) => product * n, 1);
}
