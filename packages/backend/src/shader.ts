/** Kernels that this package adds to tfjs's webgpu device. */
import { type KernelFunc, registerKernel, type TensorInfo } from '@tensorflow/tfjs-core';
import { type Attributes, sizeOf } from './program.ts';

/** What is used of tfjs's webgpu device: the call that runs a shader. */
interface WebGPUBackend {
  runWebGPUProgram(
    program: object,
    inputs: readonly TensorInfo[],
    dtype: TensorInfo['dtype'],
    uniforms: readonly { readonly type: 'int32'; readonly data: number[] }[],
  ): TensorInfo;
}

/** A shader over flat arrays, so that one serves every shape: one thread for each element of the result. */
export interface Shader {
  /** Names of the arrays that it reads, in the order of the kernel's inputs. */
  readonly reads: readonly string[];
  /** The dtype of those arrays, if the statements are for one alone. */
  readonly dtype?: 'float32' | 'int32';
  /** Names of the integers that it reads as `uniforms.name`. */
  readonly integers?: readonly string[];
  /** WGSL outside of the statements. */
  readonly functions?: string;
  /** WGSL that sets `result[index]`. */
  readonly statements: string;
}

/** The shape of the result, whose dtype is that of the first input, and the integers. */
export type Launch = (
  inputs: readonly TensorInfo[],
  attributes: Attributes,
) => { readonly shape: readonly number[]; readonly integers?: readonly number[] };

const workgroup = 64;

/**
 * Gives tfjs's webgpu device a kernel; without `launch` its result has the shape of its inputs. The kernel throws when given arrays of another
 * dtype than the shader's: the device would run a program that does not compile, and return zeros.
 */
export function registerShader(
  kernelName: string,
  { reads, dtype: only, integers: names = [], functions = '', statements }: Shader,
  launch: Launch = ([first]) => ({ shape: first!.shape }),
): void {
  const kernelFunc: KernelFunc = ({ inputs, attrs, backend }) => {
    const given = Object.values(inputs as unknown as { readonly [name: string]: TensorInfo });
    const other = given.find((input) => only !== undefined && input.dtype !== only);
    if (other !== undefined)
      throw new Error(`${kernelName}: the shader is for ${only}, and was given ${other.dtype}[${other.shape}]`);
    const { shape, integers = [] } = launch(given, attrs as unknown as Attributes);
    const size = sizeOf(shape);
    const program = {
      outputShape: [size],
      shaderKey: `posteriors${kernelName}`,
      variableNames: [...reads],
      workgroupSize: [workgroup, 1, 1],
      dispatchLayout: { x: [0] },
      dispatch: [Math.ceil(size / workgroup), 1, 1],
      size: true,
      uniforms: names.map((name) => `${name} : i32,`).join(' '),
      getUserCode: () => `${functions}
fn main(index : i32) {
  if (index < uniforms.size) {
    ${statements}
  }
}`,
    };
    const flat = given.map((input) => ({ dataId: input.dataId, dtype: input.dtype, shape: [sizeOf(input.shape)] }));
    const { dtype } = given[0] as TensorInfo;
    const { dataId } = (backend as unknown as WebGPUBackend).runWebGPUProgram(
      program,
      flat,
      dtype,
      integers.map((value) => ({ type: 'int32', data: [value] })),
    );
    return { dataId, dtype, shape: [...shape] };
  };
  registerKernel({ kernelName, backendName: 'webgpu', kernelFunc });
}
