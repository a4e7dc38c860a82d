/**
 * Gives this process the WebGPU of the npm package `webgpu`, so that `@tensorflow/tfjs-backend-webgpu`, imported after
 * it, finds `navigator.gpu`. Answers whether there is an adapter: tests that need one are skipped without it.
 */
export async function provideWebGPU(): Promise<boolean> {
  const { create, globals } = await import('webgpu');
  const gpu = create([]);
  if ((await gpu.requestAdapter()) === null) return false;
  Object.assign(globalThis, globals);
  // The global also keeps the instance alive: its devices fail once it is collected.
  Object.defineProperty(globalThis, 'navigator', { value: { gpu }, configurable: true });
  return true;
}
