import { random } from 'posteriors';
import type { Values } from './workload.ts';

/** Normal weights in these shapes, with variance 2 over the sum of what goes in and what comes out; always the same ones. */
export function glorot(...shapes: readonly (readonly number[])[]): Values[] {
  const keys = random.split(random.key(0), shapes.length);
  return shapes.map((shape, i) => {
    const field = shape.slice(0, -2).reduce((product, size) => product * size, 1);
    const [into, out] = shape.slice(-2) as [number, number];
    const scale = Math.sqrt(2 / (field * (into + out)));
    const noise = random.normal(keys[i] as Uint32Array, [...shape]);
    const values = Float32Array.from(noise.dataSync(), (value) => scale * value);
    noise.dispose();
    return { shape, values };
  });
}
