/** Registers tfjs's WebAssembly device. */
import '@tensorflow/tfjs-backend-wasm';
import { registerHostPools } from './pooling-on-host.ts';

registerHostPools('wasm');
