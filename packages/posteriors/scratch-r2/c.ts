import * as tf from '@tensorflow/tfjs-core';
import * as P from 'posteriors';
import { jit, vmap, grad, scan, setBackend, chains, stackStates, splitStates, sgmcmc, vi, ekf, laplace, optim, random, tree } from 'posteriors';
const dev = (process.argv[2] ?? 'cpu') as 'cpu';
await setBackend(dev);
const T = (name: string, f: () => unknown) => {
  try { const r = f(); if (r !== undefined) console.log(name, '=>', r); } catch (e) { console.log('THROW', name, ':', (e as Error).message.slice(0, 400)); }
};
const vals = (s: any) => { const { key: _, step: __, ...t } = s; return tree.leaves(t as any).flatMap((x: any) => [...x.dataSync()]) as number[]; };
const eq = (name: string, a: any, b: any, tol = 1e-6) => {
  const x = Array.isArray(a) ? a : vals(a), y = Array.isArray(b) ? b : vals(b);
  if (x.length !== y.length) return console.log('LEN', name, x.length, y.length);
  const d = Math.max(...x.map((v, i) => Object.is(v, y[i]) ? 0 : Math.abs(v - y[i]!) / (1e-3 + Math.abs(y[i]!))));
  if (!(d <= tol)) console.log('DIFF', name, d, x.slice(0, 5), y.slice(0, 5)); 
};
const theta0 = tf.tensor1d([1, -1]), x = tf.tensor1d([0.3, 0.7]);
// dropout with context
const lp = (th: tf.Tensor, b: tf.Tensor, { key, step }: any): [tf.Tensor, { s: tf.Tensor; m: tf.Tensor }] => {
  const mask = random.uniform(key, [2]);
  const w = tf.div(1, tf.add(1, tf.cast(step, 'float32')));
  return [tf.mul(w, tf.sum(tf.mul(tf.add(mask, 0.1), tf.mul(-0.5, tf.square(tf.sub(th, b)))))), { s: step, m: mask }];
};
const sched = { learningRate: (s: number) => 0.1 / (1 + s), temperature: (s: number) => 1 / (1 + s % 3) };
const algs: [string, any][] = [
  ['sgld', sgmcmc.sgld.build(lp as any, sched)],
  ['sgld mixed', sgmcmc.sgld.build(lp as any, { learningRate: tf.scalar(0.1), temperature: (s) => 1 / (1 + s) })],
  ['sghmc', sgmcmc.sghmc.build(lp as any, { learningRate: 0.05, alpha: (s) => 0.1 / (1 + s), beta: 0, sigma: tf.scalar(1.5), temperature: 1 })],
  ['baoa', sgmcmc.baoa.build(lp as any, { ...sched, alpha: 0.2 })],
  ['sgnht', sgmcmc.sgnht.build(lp as any, sched)],
  ['vi', vi.diag.build(lp as any, optim.adam({ learningRate: (s: number) => 0.1 / (1 + s) }), { temperature: (s) => 1 / (1 + s), nSamples: 2, initLogSds: -1 })],
  ['vi tensor', vi.dense.build(lp as any, optim.sgd({ learningRate: tf.scalar(0.01) }), { temperature: tf.scalar(0.3), initL: 0.5 })],
  ['ekf', ekf.diagFisher.build(((th: tf.Tensor, b: tf.Tensor, c: any) => [tf.expandDims(lp(th, b, c)[0]), []]) as any, { learningRate: (s) => 0.1 / (1 + s), transitionSd: (s) => 0.01 * s })],
  ['laplace', laplace.diagFisher.build(((th: tf.Tensor, b: tf.Tensor, c: any) => [tf.expandDims(lp(th, b, c)[0]), []]) as any)],
  ['laplaceH', laplace.denseHessian.build(lp as any)],
  ['optim', optim.build(lp as any, optim.adam({ learningRate: (s: number) => 0.1 / (1 + s), maximize: true }))],
];
for (const [name, t] of algs) for (const first of [0, 5, 2 ** 24 + 1, 2 ** 31 - 3, 2 ** 32 - 20]) for (const count of [1, 2, 5]) {
  T(`${name} ${first} ${count}`, () => {
    const mk = (key: any) => Object.assign(t.init(theta0, { key }), { step: first });
    const keyD = random.keyTensor(random.key(3));
    for (const s0 of [mk(random.key(3)), mk(keyD)]) {
      let s = s0; const params: number[] = [];
      const xs = Array.from({ length: count }, (_, i) => tf.add(x, i));
      for (let i = 0; i < count; i++) { s = t.update(s, xs[i])[0]; params.push(...(s.params as tf.Tensor).dataSync()); }
      const collect = (st: any, aux: any) => ({ p: st.params, p2: st.params, q: st.params, });
      const [n, d] = scan(t, s0, xs, { collect: collect as any }) as any;
      eq(`${name} ${first} ${count}`, n, s); eq(`${name} ${first} ${count} d`, [...d.p.dataSync()], params); eq('p2', [...d.q.dataSync()], params);
      if (n.step !== s.step) console.log('STEP', n.step, s.step);
    }
  });
}
// chains for all, per-first step, scan of chains
for (const [name, t] of algs) for (const C of [1, 3]) for (const first of [0, 2 ** 24 + 1, 2 ** 31 - 3]) T(`chains ${name} ${C} ${first}`, () => {
  const starts = Array.from({ length: C }, (_, i) => tf.tensor1d([i, 1 - i]));
  const ks = random.split(random.key(9), C);
  const alone = starts.map((p, i) => { let s = Object.assign(t.init(p, { key: ks[i] }), { step: first }); for (let j = 0; j < 4; j++) s = t.update(s, x)[0]; return s; });
  const m = chains(t) as any;
  const s0 = Object.assign(m.init(tf.stack(starts), { seed: 9 }), { step: first });
  let s = s0; for (let j = 0; j < 4; j++) s = m.update(s, x)[0];
  const [n] = scan(m, s0, 4, { batch: x }) as any;
  eq(`chains ${name} ${C} ${first}`, s, stackStates(alone), 1e-4); eq(`scanchains ${name} ${C} ${first}`, n, stackStates(alone), 1e-4);
  const [n2] = (jit((st: any) => scan(m, st, 4, { batch: x })) as any)(s0);
  if (first === 0) eq(`jitscanchains ${name} ${C} ${first}`, n2, stackStates(alone), 1e-4);
  const sp = splitStates(n) as any[]; eq('split', stackStates(sp), n);
});
console.log('done', dev);
