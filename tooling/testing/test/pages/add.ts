import { add, setBackend, tensor1d } from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-webgpu';

export default async function run(): Promise<{ backend: boolean; sum: number[] }> {
  const backend = await setBackend('webgpu');
  return { backend, sum: Array.from(await add(tensor1d([1, 2]), 1).data()) };
}
