/** Registers tfjs's WebAssembly device. */
import '@tensorflow/tfjs-backend-wasm';
