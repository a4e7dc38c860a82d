/** Registers tfjs's WebAssembly device. */
import '@tensorflow/tfjs-backend-wasm';
import { registerHostFourier } from './fourier-on-host.ts';
import { registerIndexCheck } from './indices-on-host.ts';
import { registerHostPools } from './pooling-on-host.ts';
import { registerIntegerProduct } from './product-on-host.ts';

registerIndexCheck('wasm');
registerHostPools('wasm');
registerIntegerProduct('wasm');
registerHostFourier('wasm');
