import * as tf from '@tensorflow/tfjs-core';
import { jit, setBackend } from 'posteriors';
import * as P from 'posteriors';
import { printProgram } from '@posteriors/backend';
const dev = (process.argv[2] ?? 'cpu') as 'cpu';
await setBackend(dev);
const rnd = (s: number, shape: number[]) => P.random.normal(P.random.key(s), shape);
const w2 = rnd(2, [3, 5]), a2 = rnd(3, [2, 3]), b13=rnd(5, [1, 3, 5]);
const bt = (x: tf.Tensor, s: number[]) => tf.broadcastTo(x, s);
for (const b of [w2, b13, rnd(9,[6,1,3,5])]) {
 const f = jit((a: tf.Tensor, w: tf.Tensor) => tf.matMul(bt(a, [4, 2, 3]), w));
 const r = f(a2, b);
 console.log(printProgram(f.sources[0]!)); console.log(printProgram(f.programs[0]! as never));
 const v = r.dataSync(), e = tf.matMul(bt(a2,[4,2,3]), b).dataSync();
 console.log(r.shape, v.length, e.length, v.findIndex(x=>!Number.isFinite(x)), e.findIndex(x=>!Number.isFinite(x)));
}
