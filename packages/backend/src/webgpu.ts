/**
 * Registers tfjs's WebGPU device.
 *
 * It turns off the device's habit of computing small kernels on the host while their inputs are still there (`WEBGPU_CPU_FORWARD`), after
 * which a first update would round differently from those that follow.
 */
import '@tensorflow/tfjs-backend-webgpu';
import { env } from '@tensorflow/tfjs-core';
import { registerBitwiseAnd } from './bitwise-and.ts';
import { registerElementary } from './elementary.ts';
import { registerFourierSum } from './fourier-on-webgpu.ts';
import { registerHalves } from './halves.ts';
import { registerIndicesWithin } from './indices-on-webgpu.ts';
import { registerView } from './view.ts';

env().set('WEBGPU_CPU_FORWARD', false);
registerBitwiseAnd();
registerFourierSum();
registerElementary();
registerView();
registerHalves();
registerIndicesWithin();
