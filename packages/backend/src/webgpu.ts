/** Registers tfjs's WebGPU device. */
import '@tensorflow/tfjs-backend-webgpu';
