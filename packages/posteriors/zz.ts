import * as tf from '@tensorflow/tfjs';
import * as P from 'posteriors';
await P.setBackend((process.env.DEV ?? 'cpu') as 'cpu');
const w = { w1: tf.randomNormal([10, 20], 0, .1), b1: tf.zeros([20]), w2: tf.randomNormal([20, 3], 0, .1), b2: tf.zeros([3]) };
const x = tf.randomNormal([32, 10]); const y = tf.tensor1d(Array.from({ length: 32 }, (_, i) => i % 3), "int32");
const logPosterior = (p: any, b: any) => {
  const h = tf.relu(tf.add(tf.matMul(b.x, p.w1), p.b1));
  const logits = tf.add(tf.matMul(h as any, p.w2), p.b2);
  return [tf.neg(tf.losses.softmaxCrossEntropy(tf.oneHot(b.y, 3), logits)), []];
};
const vi = (P as any).vi.diag.build ? (P as any).vi.diag.build(logPosterior, (P as any).optim.adam({ learningRate: 1e-3 }), { initLogSds: -2 }) : (P as any).vi.diag(logPosterior, { optimizer: (P as any).optim.adam({ learningRate: 1e-3 }) });
let s = vi.init(w);
const run = () => { const n = vi.update(s, { x, y }); s = n[0] ?? n; };

for (let i = 0; i < 50; i++) run();
const t = performance.now(); for (let i = 0; i < 2000; i++) run(); console.log((performance.now() - t) / 2000 * 1000, 'us');
