export { type Tolerance, toBeAllClose } from './all-close.ts';
export { evaluateInChromium, hasChromium, runInChromium } from './chromium.ts';
export { expectNoLeak } from './leak.ts';
export { readmeExamples } from './readme.ts';
export { provideWebGPU } from './webgpu.ts';
