/** Fourier transforms: linear, and each the transpose of the one with the other sign. */

import { record } from '@posteriors/backend';
import { registerRule } from '../rule.ts';

registerRule('FourierTransform', {
  derivative: {
    transpose: (_, cotangent, _inputs, { sign }) =>
      record('FourierTransform', [cotangent], { sign: -(sign as number) }),
  },
  batch: ([x], _batched, attributes) => record('FourierTransform', [x!], attributes),
});
