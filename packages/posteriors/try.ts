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
