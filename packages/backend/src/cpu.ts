/** Registers tfjs's cpu device. */
import '@tensorflow/tfjs-backend-cpu';
import { findBackend } from '@tensorflow/tfjs-core';
import { registerHostFourier } from './fourier-on-host.ts';
import { registerIndexCheck } from './indices-on-host.ts';
import { registerHostPools } from './pooling-on-host.ts';

registerIndexCheck('cpu');
registerHostPools('cpu');
registerHostFourier('cpu');

// In Node, tfjs's first use of cpu prints an advice to install another backend, with which programs do not run.
Object.assign(findBackend('cpu'), { firstUse: false });
