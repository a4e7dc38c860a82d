import * as tf from '@tensorflow/tfjs';
import { setBackend, vi, sgmcmc, optim, modelParameters, modelToFunction, categoricalLogProb, diagNormalLogProb, withAux, jit, type ModelParameters } from 'posteriors';
import { currentBackend, printProgram } from '@posteriors/backend';
import { buildModel } from '../../apps/quickstart/src/inference.ts';
await setBackend('wasm');
const model = buildModel(0);
const network = modelToFunction(model);
const N = 60000;
const logPosterior = (params: ModelParameters, [images, labels]: readonly [tf.Tensor, tf.Tensor]) =>
  withAux(tf.add(tf.mean(categoricalLogProb(network(params, images), labels)), tf.div(diagNormalLogProb(params), N)), []);
const batch = [tf.randomUniform([32, 784]), tf.zeros([32], 'int32')] as const;
// instrument
const backend = currentBackend() as any; const orig = backend.compile; let prog: any;
backend.compile = (p: any) => { const e = orig(p); if (!prog || e.program.equations.length > prog.equations.length) prog = e.program; return e; };
const which = process.argv[2];
const t: any = which === 'sghmc' ? sgmcmc.sghmc.build(logPosterior, { learningRate: 0.3, alpha: 1, temperature: 1 / N }) : vi.diag.build(logPosterior, optim.adam({ learningRate: 1e-3 }), { temperature: 1 / N, initLogSds: -3 });
const state = t.init(modelParameters(model), { seed: 0 });
t.update(state, batch, { inplace: true });
if (process.argv[3]) console.log(printProgram(prog));
// per kernel timing
import { getKernel } from '@tensorflow/tfjs-core';
const names = new Set<string>(prog.equations.map((e: any) => e.kernel));
console.log(prog.equations.length, 'equations');
for (let i = 0; i < 20; i++) t.update(state, batch, { inplace: true });
const n = 50; let s = performance.now();
for (let i = 0; i < n; i++) t.update(state, batch, { inplace: true });
console.log('ms/step', (performance.now() - s) / n);
if (process.argv[3] === 'kernels') {
  const { getKernelsForBackend } = await import('@tensorflow/tfjs-core');
  const times = new Map<string, [number, number]>();
  for (const k of getKernelsForBackend('wasm')) {
    const f = k.kernelFunc;
    (k as any).kernelFunc = (a: any) => { const s = performance.now(); const r = f(a); const t = performance.now() - s; const big = (Array.isArray(r) ? r[0] : r)!.shape.reduce((x: number, y: number) => x * y, 1) >= 50000; const key = k.kernelName + (big ? ' BIG' : ''); const e = times.get(key) ?? [0, 0]; e[0] += t; e[1]++; times.set(key, e); return r; };
  }
  const lp2 = (p: any, b: any) => logPosterior(p, b);
  const t2: any = which === 'sghmc' ? sgmcmc.sghmc.build(lp2, { learningRate: 0.3, alpha: 1, temperature: 1 / N }) : vi.diag.build(lp2, optim.adam({ learningRate: 1e-3 }), { temperature: 1 / N, initLogSds: -3 });
  const s2 = t2.init(modelParameters(model), { seed: 0 });
  for (let i = 0; i < 10; i++) t2.update(s2, batch, { inplace: true });
  times.clear(); const st = performance.now();
  for (let i = 0; i < 30; i++) t2.update(s2, batch, { inplace: true });
  console.log('total', (performance.now() - st) / 30);
  for (const [k, [t, c]] of [...times].sort((a, b) => b[1][0] - a[1][0]).slice(0, 25)) console.log(k.padEnd(24), (t / 30).toFixed(3), 'ms', c / 30);
}
