import { showShape } from './array.ts';
import { numberOf } from './attributes.ts';
import { type Kernels, ofOne } from './kernel.ts';

export const fourier: Kernels = {
  FourierTransform: ofOne((x, attributes) => {
    const sign = numberOf(attributes, 'sign');
    const [parts, n] = x.shape.slice(-2);
    if (parts !== 2 || n === undefined)
      throw new Error(`real and imaginary parts are [..., 2, n], and there are ${showShape(x.shape)}`);
    const values = new Float64Array(x.values.length);
    for (let start = 0; start < values.length; start += 2 * n) {
      for (let k = 0; k < n; k++) {
        for (let j = 0; j < n; j++) {
          const angle = (sign * 2 * Math.PI * ((j * k) % n)) / n;
          const [re, im] = [x.values[start + j]!, x.values[start + n + j]!];
          values[start + k]! += re * Math.cos(angle) - im * Math.sin(angle);
          values[start + n + k]! += re * Math.sin(angle) + im * Math.cos(angle);
        }
      }
    }
    return { shape: x.shape, values };
  }),
};
