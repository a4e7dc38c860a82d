import '@posteriors/backend/wasm';
import { currentBackend, newValue, setBackend,printProgram } from '@posteriors/backend';
import { test } from 'vitest';
import {appendFileSync} from 'node:fs';
test('x', async () => {
  await setBackend('wasm');
  const log=(s)=>appendFileSync('/tmp/yy.log', s+'\n');
  const run=(kernel,shape,attributes,outShape=shape)=>{
  const x = newValue({ shape, dtype: 'float32' }); const y = newValue({ shape: outShape, dtype: 'float32' });
  const e = currentBackend().compile({ inputs: [x], constants: [], equations: [{ type: 'kernel', kernel, inputs: [x], attributes, outputs: [y] }], outputs: [y] });
  log(printProgram(e.program));
  const [r] = e.run([new Float32Array(shape.reduce((a,b)=>a*b,1))]);
  log('ran');
  log(String(r.dataSync())); r.dispose(); e.dispose();
  };
  run('Transpose',[3],{perm:[0]});
  run('Transpose',[],{perm:[]});
  log('now 0');
  run('Transpose',[0],{perm:[0]});
});
