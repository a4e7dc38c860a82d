import { registerShader } from './shader.ts';

/** Gives tfjs's webgpu device the kernel BitwiseAnd, which it lacks. */
export function registerBitwiseAnd(): void {
  registerShader('BitwiseAnd', {
    reads: ['a', 'b'],
    dtype: 'int32',
    statements: 'result[index] = a[index] & b[index];',
  });
}
