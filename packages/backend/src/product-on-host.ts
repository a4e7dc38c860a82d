/** Products of integers, which tfjs's wasm device refuses. */
import { type HostKernel, registerOnHost } from './on-host.ts';
import { sizeOf } from './program.ts';

export function registerIntegerProduct(device: 'wasm'): void {
  registerOnHost(device, { IntegerMatMul: product });
}

/** `a` of `[...batch, n, k]` times `b` of `[...batch, k, m]`; what is beyond 32 bits is cut off. */
const product: HostKernel = {
  names: ['a', 'b'],
  compute([a, b], [shape, shapeOfB]) {
    const batch = shape!.slice(0, -2);
    const [n, k] = shape!.slice(-2) as [number, number];
    const m = shapeOfB![shapeOfB!.length - 1]!;
    const values = new Int32Array(sizeOf(batch) * n * m);
    for (let row = 0; row < sizeOf(batch) * n; row++) {
      const first = Math.floor(row / n) * k * m;
      for (let i = 0; i < k; i++) {
        const factor = a![row * k + i]!;
        for (let column = 0; column < m; column++) {
          values[row * m + column]! += Math.imul(factor, b![first + i * m + column]!);
        }
      }
    }
    return { shape: [...batch, n, m], values };
  },
};
