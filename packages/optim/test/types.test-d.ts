import type { HyperParameter } from '@posteriors/transform';
import type { Tensor } from '@tensorflow/tfjs-core';
import { expectTypeOf, test } from 'vitest';
import {
  type AdamOptions,
  adam,
  adamw,
  applyUpdates,
  cosineDecaySchedule,
  type GradientTransformation,
  sgd,
} from '../src/index.ts';

type Params = { weight: Tensor; layers: { bias: Tensor }[] };
declare const params: Params;

test('updates have the type of the parameters', () => {
  const optimizer = adam();
  const [updates] = optimizer.update(params, optimizer.init(params), params, optimizer.hyper(0));
  expectTypeOf(updates).toEqualTypeOf<Params>();
  expectTypeOf(applyUpdates(params, updates)).toEqualTypeOf<Params>();
});

test('a learning rate is a number, a schedule or a tensor', () => {
  expectTypeOf(sgd({ learningRate: cosineDecaySchedule(1, 10) })).toEqualTypeOf<GradientTransformation>();
  expectTypeOf<HyperParameter | undefined>().toEqualTypeOf<AdamOptions['learningRate']>();
  // @ts-expect-error sgd has no default learning rate
  sgd({ momentum: 0.9 });
  // @ts-expect-error the mask is for decoupled decay
  adam({ mask: true });
  adamw({ mask: { weight: true, layers: false } });
});
