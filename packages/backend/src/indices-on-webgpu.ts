/** Indices that are out of range, on the device whose memory the host cannot read at once. */
import { registerShader } from './shader.ts';

/** Gives tfjs's webgpu device the kernel IndicesWithin, which replaces them by `outside`. */
export function registerIndicesWithin(): void {
  const statements = `
    let i = indices[index];
    result[index] = select(uniforms.outside, i, i >= 0 && i < uniforms.length);`;
  const shader = { reads: ['indices'], dtype: 'int32', integers: ['length', 'outside'], statements } as const;
  registerShader('IndicesWithin', shader, ([indices], { length, outside }) => ({
    shape: indices!.shape,
    integers: [length as number, outside as number],
  }));
}
