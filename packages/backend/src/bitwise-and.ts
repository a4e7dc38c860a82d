import { type KernelFunc, registerKernel, type TensorInfo } from '@tensorflow/tfjs-core';
import { sizeOf } from './program.ts';

/** What is used of tfjs's webgpu device: the call that runs a shader. */
interface WebGPUBackend {
  runWebGPUProgram(program: object, inputs: readonly TensorInfo[], dtype: 'int32'): TensorInfo;
}

/** Gives tfjs's webgpu device the kernel BitwiseAnd, which it lacks. */
export function registerBitwiseAnd(): void {
  registerKernel({ kernelName: 'BitwiseAnd', backendName: 'webgpu', kernelFunc: bitwiseAnd });
}

const workgroup = 64;

const bitwiseAnd: KernelFunc = ({ inputs, backend }) => {
  const { a, b } = inputs as { a: TensorInfo; b: TensorInfo };
  const size = sizeOf(a.shape);
  // Flat arrays, so that one shader serves every shape.
  const program = {
    outputShape: [size],
    shaderKey: 'posteriorsBitwiseAnd',
    variableNames: ['A', 'B'],
    workgroupSize: [workgroup, 1, 1],
    dispatchLayout: { x: [0] },
    dispatch: [Math.ceil(size / workgroup), 1, 1],
    size: true,
    getUserCode: () => `
fn main(index : i32) {
  if (index < uniforms.size) {
    setOutputAtIndexI32(index, A[index] & B[index]);
  }
}`,
  };
  const flat = [a, b].map(({ dataId, dtype }) => ({ dataId, dtype, shape: [size] }));
  const { dataId, dtype } = (backend as unknown as WebGPUBackend).runWebGPUProgram(program, flat, 'int32');
  return { dataId, dtype, shape: a.shape };
};
