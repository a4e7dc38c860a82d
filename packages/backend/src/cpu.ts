/** Registers tfjs's cpu device. */
import '@tensorflow/tfjs-backend-cpu';
import { registerHostPools } from './pooling-on-host.ts';

registerHostPools('cpu');
