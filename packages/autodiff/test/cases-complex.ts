// Complex numbers, which programs hold as pairs of real ones, and Fourier transforms. Each function is one of real and imaginary parts and
// returns both.
import * as tf from '@tensorflow/tfjs-core';
import { type Case, type Draw, real } from './draws.ts';

type Tensor = tf.Tensor;

const some = real(-2, 2);
const positive = real(0.5, 2);
const parts = (z: Tensor): Tensor => tf.stack([tf.real(z), tf.imag(z)]);
const ofPair =
  (f: (z: Tensor) => Tensor) =>
  (re: Tensor, im: Tensor): Tensor =>
    parts(f(tf.complex(re, im)));

type Row = readonly [
  kernel: string,
  note: string,
  f: (...inputs: Tensor[]) => Tensor,
  draws: readonly Draw[],
  shapes: readonly (readonly number[])[],
];

const { fft, ifft, irfft, rfft } = tf.spectral;
const circular = (a: Tensor, b: Tensor): Tensor => {
  const zeros = tf.zerosLike(a);
  return tf.real(ifft(tf.mul(fft(tf.complex(a, zeros)), fft(tf.complex(b, zeros)))));
};
const unmixed = (re: Tensor, im: Tensor): Tensor =>
  parts(ifft(tf.div(fft(tf.complex(re, im)), tf.add(fft(tf.complex(im, re)), tf.complex(9, 0)))));
const spectrogram = (x: Tensor): Tensor => tf.abs(tf.signal.stft(x as tf.Tensor1D, 4, 2));

const fourier: readonly Row[] = [
  ['fft', ofPair(fft), 2, [[3], [1], [4], [2, 5], [2, 2, 3], [0, 3], [2, 0]]] as const,
  ['ifft', ofPair(ifft), 2, [[3], [1], [2, 5], [0, 3]]] as const,
  ['rfft', (x: Tensor) => parts(rfft(x)), 1, [[5], [6], [1], [2, 2, 3], [0, 5]]] as const,
  ['cropped rfft', (x: Tensor) => parts(rfft(x, 3)), 1, [[2, 5]]] as const,
  ['padded rfft', (x: Tensor) => parts(rfft(x, 7)), 1, [[2, 5]]] as const,
  ['irfft', (re: Tensor, im: Tensor) => irfft(tf.complex(re, im)), 2, [[3], [1], [2, 4], [2, 2, 3]]] as const,
  ['circular convolution', circular, 2, [[5], [2, 3]]] as const,
  ['quotient of spectra', unmixed, 2, [[3]]] as const,
].flatMap(([note, f, count, variants]) =>
  variants.map((shape): Row => ['FourierTransform', note, f, Array(count).fill(some), Array(count).fill(shape)]),
);

const two = [
  [2, 3],
  [2, 3],
];
const rows: readonly Row[] = [
  ...fourier,
  ['FourierTransform', 'spectrogram', spectrogram, [positive], [[8]]],
  ['Sqrt', 'complex abs', (re, im) => tf.abs(tf.complex(re, im)), [positive, some], two],
  [
    'Multiply',
    'complex product',
    (re, im) =>
      parts(tf.mul(tf.complex(re, im), tf.complex(tf.slice(im, [0, 0], [2, 1]), tf.slice(re, [0, 1], [2, 1])))),
    [some, some],
    two,
  ],
  ['Multiply', 'square of a complex number', ofPair((z) => tf.mul(z, z)), [some, some], [[], []]],
  ['Multiply', 'complex square', ofPair((z) => tf.square(z)), [some, some], two],
  ['BatchMatMul', 'complex', ofPair((z) => tf.matMul(z, tf.mul(z, z), false, true)), [some, some], two],
  ['Sum', 'complex mean', ofPair((z) => tf.mean(tf.mul(z, z), 1)), [some, some], two],
  ['RealDiv', 'complex quotient', ofPair((z) => tf.div(tf.mul(z, z), tf.add(z, z))), [positive, some], two],
  ['RealDiv', 'complex reciprocal', ofPair((z) => tf.div(tf.complex(1, 0), z)), [positive, some], [[3], [3]]],
  [
    'Add',
    'complex sum',
    ofPair((z) => tf.addN([z, tf.add(z, tf.complex(1, 2)), tf.neg(z), tf.mul(z, z)])),
    [some, some],
    two,
  ],
  ['Sub', 'complex difference', ofPair((z) => tf.sub(tf.mul(z, z), z)), [some, some], two],
  ['Sum', 'complex sum over an axis', ofPair((z) => tf.sum(tf.mul(z, z), 0)), [some, some], two],
  ['Concat', 'complex', ofPair((z) => tf.concat([z, tf.mul(z, z)], 1)), [some, some], two],
  ['Concat', 'stack of complex numbers', ofPair((z) => tf.stack([z, tf.mul(z, z)], 1)), [some, some], two],
  ['Slice', 'complex', ofPair((z) => tf.slice(z, [0, 1], [-1, 1])), [some, some], two],
  [
    'Slice',
    'complex split and unstack',
    ofPair((z) => tf.mul(tf.split(z, 3, 1)[2]!, tf.unstack(z)[1]!)),
    [some, some],
    two,
  ],
  ['GatherV2', 'complex stridedSlice', ofPair((z) => tf.stridedSlice(z, [0, 0], [2, 3], [1, 2])), [some, some], two],
  ['GatherV2', 'complex gather', ofPair((z) => tf.gather(z, [1, 1, 0])), [some, some], two],
  ['Transpose', 'complex', ofPair((z) => tf.transpose(z)), [some, some], two],
  ['Reverse', 'complex', ofPair((z) => tf.reverse(z, 1)), [some, some], two],
  ['BroadcastTo', 'complex tile', ofPair((z) => tf.tile(z, [2, 1])), [some, some], two],
  [
    'PadV2',
    'complex',
    ofPair((z) =>
      tf.pad(
        z,
        [
          [1, 0],
          [0, 2],
        ],
        0.5,
      ),
    ),
    [some, some],
    two,
  ],
  [
    'Select',
    'complex',
    (re, im) => parts(tf.where(tf.greater(re, im), tf.complex(re, im), tf.complex(im, tf.onesLike(re)))),
    [positive, real(-2, 0.3)],
    two,
  ],
];

export const complexCases: readonly Case[] = rows.map(([kernel, note, f, draws, shapes]) => ({
  name: `${kernel} in ${note} of ${shapes.map((shape) => `[${shape}]`).join(' and ')}`,
  kernel,
  f,
  draws,
  shapes,
}));
