// The modules as users call them: no annotation beyond the parameters of their functions, and no cast.
import { withAux } from '@posteriors/transform';
import { add, matMul, scalar, sub, sum, type Tensor, zeros } from '@tensorflow/tfjs-core';
import { describe, expectTypeOf, test } from 'vitest';
import { denseGgn, diagGgn } from '../src/index.ts';

type Params = { weight: Tensor; bias: Tensor };
type Inputs = { x: Tensor };
type Targets = { y: Tensor };
type Aux = { z: Tensor };
declare const params: Params;
declare const z: Tensor;

const batch = { x: zeros([4, 3]), y: zeros([4, 2]) };
const predict = ({ weight, bias }: Params, x: Tensor): Tensor => add(matMul(x, weight), bias);
function forward(p: Params, { x }: Inputs) {
  return withAux(predict(p, x), { z });
}
const outer = (outputs: Tensor, { y }: Targets): Tensor => sum(sub(y, outputs));

describe('a batch is what forward and the outer log likelihood look at, together', () => {
  test('diagGgn', () => {
    const transform = diagGgn.build(forward, outer, { learningRate: 1 });
    const state = transform.init(params);
    const [next, aux] = transform.update(state, batch);
    expectTypeOf(next).toEqualTypeOf<diagGgn.State<Params>>();
    expectTypeOf(aux).toEqualTypeOf<Aux>();
    // @ts-expect-error: without y
    transform.update(state, { x: batch.x });
    // @ts-expect-error: without x
    transform.update(state, { y: batch.y });
  });

  test('denseGgn', () => {
    const transform = denseGgn.build(forward, outer, { learningRate: 1 });
    const state = transform.init(params);
    const [next, aux] = transform.update(state, batch);
    expectTypeOf(next).toEqualTypeOf<denseGgn.State<Params>>();
    expectTypeOf(aux).toEqualTypeOf<Aux>();
    // @ts-expect-error: without y
    transform.update(state, { x: batch.x });
  });

  test('one written in place sees the batch of forward', () => {
    const whole = (p: Params, { x }: typeof batch) => withAux(predict(p, x), []);
    const transforms = [
      diagGgn.build(whole, (outputs, { y }) => sum(sub(y, outputs)), { learningRate: 1 }),
      denseGgn.build(whole, (outputs, { y }) => sum(sub(y, outputs)), { learningRate: 1 }),
      denseGgn.build(whole, (outputs) => sum(outputs), { learningRate: 1 }),
    ] as const;
    expectTypeOf(transforms[0].update).parameter(1).toEqualTypeOf<typeof batch>();
    expectTypeOf(transforms[1].update).parameter(1).toEqualTypeOf<typeof batch>();
    expectTypeOf(transforms[2].update).parameter(1).toEqualTypeOf<typeof batch>();
  });

  test('a batch that forward takes whole', () => {
    const rows = (p: Params, x: Tensor) => withAux(predict(p, x), []);
    const transform = denseGgn.build(rows, (outputs: Tensor) => sum(outputs), { learningRate: 1 });
    transform.update(transform.init(params), zeros([4, 3]));
    // @ts-expect-error: no tensor
    transform.update(transform.init(params), batch);
  });

  test('in the functions of the modules', () => {
    const [diag, aux] = diagGgn.update(diagGgn.init(params), batch, forward, outer, { learningRate: 1 });
    expectTypeOf(diag).toEqualTypeOf<diagGgn.State<Params>>();
    expectTypeOf(aux).toEqualTypeOf<Aux>();
    const [dense] = denseGgn.update(denseGgn.init(params), batch, forward, outer, { learningRate: 1 });
    expectTypeOf(dense).toEqualTypeOf<denseGgn.State<Params>>();
    // @ts-expect-error: the outer log likelihood looks at y
    denseGgn.update(denseGgn.init(params), { x: scalar(0) }, forward, outer, { learningRate: 1 });
  });
});
