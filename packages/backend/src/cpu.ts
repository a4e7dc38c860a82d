/** Registers tfjs's cpu device. */
import '@tensorflow/tfjs-backend-cpu';
import { registerHostFourier } from './fourier-on-host.ts';
import { registerIndexCheck } from './indices-on-host.ts';
import { registerHostPools } from './pooling-on-host.ts';

registerIndexCheck('cpu');
registerHostPools('cpu');
registerHostFourier('cpu');
