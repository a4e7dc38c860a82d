import * as tf from '@tensorflow/tfjs-core';
import { jit, vmap, grad, scan, setBackend } from 'posteriors';
import * as P from 'posteriors';
const dev = (process.argv[2] ?? 'cpu') as 'cpu';
await setBackend(dev);
let n = 0;
const close = (name: string, f: () => [tf.Tensor, tf.Tensor], tol = 1e-5) => {
  n++;
  try {
    const [a, b] = f();
    if (`${a.shape}` !== `${b.shape}`) return console.log('SHAPE', name, a.shape, b.shape);
    const [x, y] = [a.dataSync(), b.dataSync()];
    let d = 0; for (let i = 0; i < x.length; i++) { const e = Math.abs((x[i] as number) - (y[i] as number)); if (!(e <= d)) d = e; }
    if (!(d < tol)) console.log('DIFF', name, d, [...x].slice(0, 6), [...y].slice(0, 6));
  } catch (e) { console.log('THROW', name, (e as Error).message.slice(0, 300)); }
};
const rnd = (s: number, shape: number[]) => P.random.normal(P.random.key(s), shape);
// matmul broadcasting
const a3 = rnd(1, [4, 2, 3]), w2 = rnd(2, [3, 5]), a2 = rnd(3, [2, 3]), b3 = rnd(4, [4, 3, 5]), b13 = rnd(5, [1, 3, 5]);
const bt = (x: tf.Tensor, s: number[]) => tf.broadcastTo(x, s);
close('bcast a x rank-2 b', () => [jit((a: tf.Tensor, w: tf.Tensor) => tf.matMul(bt(a, [4, 2, 3]), w))(a2, w2), tf.matMul(bt(a2, [4, 2, 3]), w2)]);
close('bcast a x [1,..] b', () => [jit((a: tf.Tensor, w: tf.Tensor) => tf.matMul(bt(a, [4, 2, 3]), w))(a2, b13), tf.matMul(bt(a2, [4, 2, 3]), b13)]);
close('rank2 a x bcast b', () => [jit((a: tf.Tensor, w: tf.Tensor) => tf.matMul(a, bt(w, [4, 3, 5])))(a2, w2), tf.matMul(a2, bt(w2, [4, 3, 5]))]);
close('both bcast', () => [jit((a: tf.Tensor, w: tf.Tensor) => tf.matMul(bt(a, [4, 2, 3]), bt(w, [4, 3, 5])))(a2, w2), tf.matMul(bt(a2, [4, 2, 3]), bt(w2, [4, 3, 5]))]);
close('b4', () => [jit((a: tf.Tensor, w: tf.Tensor) => tf.matMul(bt(a, [4, 2, 3]), w))(a2, rnd(9, [6, 1, 3, 5])), tf.matMul(bt(a2, [4, 2, 3]), rnd(9, [6, 1, 3, 5]))]);
const A4 = rnd(6, [7, 4, 2, 3]), B4 = rnd(7, [7, 4, 3, 5]);
const loop = (f: (x: tf.Tensor) => tf.Tensor, x: tf.Tensor) => tf.stack(tf.unstack(x).map(f));
for (const wrap of [(f: any) => f, jit] as any[]) {
  close('vmap a4 x w2', () => [wrap(vmap((a: tf.Tensor) => tf.matMul(a, w2)))(A4), loop((a) => tf.matMul(a, w2), A4)]);
  close('vmap a2 x b4', () => [wrap(vmap((b: tf.Tensor) => tf.matMul(a2, b)))(B4), loop((b) => tf.matMul(a2, b), B4)]);
  close('vmap a3 x b2', () => [wrap(vmap((b: tf.Tensor) => tf.matMul(a3, b)))(b3), loop((b) => tf.matMul(a3, b), b3)]);
  close('vmap a3 x b4', () => [wrap(vmap((b: tf.Tensor) => tf.matMul(a3, b)))(B4), loop((b) => tf.matMul(a3, b), B4)]);
  close('vmap both A4[:,0] x B4', () => [wrap(vmap((a: tf.Tensor, b: tf.Tensor) => tf.matMul(a, b)))(rnd(8, [7, 2, 3]), B4), tf.stack(tf.unstack(rnd(8, [7, 2, 3])).map((a, i) => tf.matMul(a, tf.unstack(B4)[i]!)))]);
  for (const ta of [false, true]) for (const tb of [false, true]) for (const m of [1, 2]) for (const k of [1, 3]) for (const q of [1, 5]) {
    const a = rnd(11, ta ? [k, m] : [m, k]), b = rnd(12, tb ? [q, k] : [k, q]);
    const as = rnd(13, [6, ...a.shape]), bs = rnd(14, [6, ...b.shape]);
    const ass = rnd(15, [3, 6, ...a.shape]), bss = rnd(16, [3, 6, ...b.shape]);
    const f = (x: tf.Tensor, y: tf.Tensor) => tf.matMul(x, y, ta, tb);
    const nm = `${ta} ${tb} ${m} ${k} ${q}`;
    close('va ' + nm, () => [wrap(vmap(f, { inAxes: [0, null] }))(as, b), loop((x) => f(x, b), as)]);
    close('vb ' + nm, () => [wrap(vmap(f, { inAxes: [null, 0] }))(a, bs), loop((y) => f(a, y), bs)]);
    close('vavb ' + nm, () => [wrap(vmap(vmap(f, { inAxes: [null, 0] }), { inAxes: [0, null] }))(as, bs), loop((x) => loop((y) => f(x, y), bs), as)]);
    close('vbva ' + nm, () => [wrap(vmap(vmap(f, { inAxes: [0, null] }), { inAxes: [null, 0] }))(as, bs), loop((y) => loop((x) => f(x, y), as), bs)]);
    close('v va ' + nm, () => [wrap(vmap(vmap(f, { inAxes: [0, null] }), { inAxes: [0, null] }))(ass, b), loop((x) => loop((z) => f(z, b), x), ass)]);
    close('v vb ' + nm, () => [wrap(vmap(vmap(f, { inAxes: [null, 0] }), { inAxes: [null, 0] }))(a, bss), loop((x) => loop((z) => f(a, z), x), bss)]);
    close('grad ' + nm, () => { const g = (x: tf.Tensor, y: tf.Tensor) => tf.sum(tf.square(f(x, y))); return [wrap(vmap(grad(g), { inAxes: [null, 0] }))(a, bs), loop((y) => grad(g)(a, y), bs)] }, 1e-3);
  }
}
// scan invariants
const k = rnd(20, [3]);
const sc = (f: any, init: any, xs: any, len: number) => { let c = init; const ys: any[] = []; for (let i = 0; i < len; i++) { const [c2, y] = f(c, xs ? tf.unstack(xs)[i] : null); c = c2; ys.push(y); } return [c, tf.stack(ys)] as [tf.Tensor, tf.Tensor]; };
const bodies: [string, any][] = [
  ['invariant outputs', (c: tf.Tensor, x: tf.Tensor) => [tf.sin(k), tf.cos(k)]],
  ['invariant y', (c: tf.Tensor, x: tf.Tensor) => [tf.add(c, x), tf.cos(k)]],
  ['constant itself', (c: tf.Tensor, x: tf.Tensor) => [tf.add(c, x), k]],
  ['constant carry', (c: tf.Tensor, x: tf.Tensor) => [k, c]],
  ['random const key', (c: tf.Tensor, x: tf.Tensor) => [tf.add(c, P.random.normal(P.random.key(3), [3])), tf.mul(c, x)]],
  ['inv used twice', (c: tf.Tensor, x: tf.Tensor) => { const s = tf.exp(tf.sin(k)); return [tf.mul(c, s), tf.add(s, x)] }],
  ['swap', (c: tf.Tensor, x: tf.Tensor) => [x, c]],
  ['nested', (c: tf.Tensor, x: tf.Tensor) => { const [r, ys] = scan((d: tf.Tensor, z: tf.Tensor) => [tf.add(tf.mul(d, 0.5), tf.sin(tf.mul(k, c))), tf.add(z, tf.tanh(x))], c, tf.stack([k, k]) as tf.Tensor); return [tf.add(r, x), tf.sum(ys, 0)] }],
  ['nested inv', (c: tf.Tensor, x: tf.Tensor) => { const [r] = scan((d: tf.Tensor, z: tf.Tensor) => [tf.add(tf.mul(d, 0.5), tf.sin(z)), []], k, tf.stack([k, k]) as tf.Tensor); return [tf.add(tf.mul(c, 0.9), r), c] }],
  ['softplus', (c: tf.Tensor, x: tf.Tensor) => [tf.add(tf.softplus(c), tf.sigmoid(tf.neg(c))), tf.mul(tf.sigmoid(tf.mul(2, c)), tf.softplus(tf.mul(-2, c)))]],
];
const xs = rnd(21, [5, 3]);
for (const len of [1, 5]) for (const [nm, f] of bodies) for (const wrap of [(f: any) => f, jit] as any[]) {
  const X = tf.slice(xs, [0, 0], [len, 3]);
  for (const i of [0, 1]) {
    close(`scan ${nm} ${len} ${i}`, () => [(wrap((c: tf.Tensor, x: tf.Tensor) => scan(f, c, x)) as any)(k, X)[i], sc(f, k, X, len)[i]!]);
    close(`gradscan ${nm} ${len} ${i}`, () => [wrap(grad((c: tf.Tensor, x: tf.Tensor) => tf.sum((scan(f, c, x) as any)[i] as tf.Tensor)))(k, X), grad((c: tf.Tensor) => tf.sum(sc(f, c, X, len)[i]!))(k)]);
    close(`vmapscan ${nm} ${len} ${i}`, () => { const cs = rnd(31, [4, 3]); return [wrap(vmap((c: tf.Tensor) => (scan(f, c, X) as any)[i] as tf.Tensor))(cs), loop((c) => sc(f, c, X, len)[i]!, cs)] });
  }
}
console.log(dev, n, 'done');
