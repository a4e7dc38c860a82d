/** Registers tfjs's WebAssembly device, without threads: kernels of our own work in its memory, and one kind of memory is enough. */
import '@tensorflow/tfjs-backend-wasm';
import { env } from '@tensorflow/tfjs-core';
import { registerHostFourier } from './fourier-on-host.ts';
import { registerIndexCheck } from './indices-on-host.ts';
import { registerHostPools } from './pooling-on-host.ts';
import { registerIntegerProduct } from './product-on-host.ts';
import { locateWasm } from './wasm-files.ts';

env().set('WASM_HAS_MULTITHREAD_SUPPORT', false);
locateWasm();
registerIndexCheck('wasm');
registerHostPools('wasm');
registerIntegerProduct('wasm');
registerHostFourier('wasm');
