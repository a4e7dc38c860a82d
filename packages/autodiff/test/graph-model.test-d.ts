import type { GraphModel } from '@tensorflow/tfjs-converter';
import type { Tensor } from '@tensorflow/tfjs-core';
import { expectTypeOf, test } from 'vitest';
import {
  assignModelParameters,
  type GraphParameters,
  modelParameters,
  modelStatistics,
  modelToFunction,
} from '../src/index.ts';

test('converted models', () => {
  const model = {} as GraphModel;
  const x = {} as Tensor;
  const parameters = modelParameters(model);
  expectTypeOf(parameters).toEqualTypeOf<GraphParameters>();
  expectTypeOf(modelStatistics(model)).toEqualTypeOf<GraphParameters>();
  expectTypeOf(modelToFunction(model)(parameters, x)).toEqualTypeOf<Tensor>();
  expectTypeOf(modelToFunction(model)(parameters, { x }, { statistics: parameters })).toEqualTypeOf<Tensor>();
  expectTypeOf(modelToFunction<Tensor[]>(model)(parameters, [x, x])).toEqualTypeOf<Tensor[]>();
  expectTypeOf(modelToFunction<{ y: Tensor }>(model)(parameters, x)).toEqualTypeOf<{ y: Tensor }>();
  assignModelParameters(model, parameters, parameters);
  // @ts-expect-error a converted model has no training mode
  modelToFunction(model, { training: true });
  // @ts-expect-error parameters of layers are by layer
  assignModelParameters(model, { layer: { weight: x } });
});
