import { Tensor } from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { leaves, map, printStructure, registerContainer, structure } from '../src/index.ts';

test('a class is a leaf until it is registered, and then rebuilt with its methods', () => {
  class Scale {
    factor = 2;
    apply(x: number): number {
      return this.factor * x;
    }
  }
  const scale = new Scale();
  expect(leaves([scale])).toEqual([scale]);
  registerContainer(Scale);
  expect(leaves([scale])).toEqual([2]);
  const doubled = map((factor: number) => 2 * factor, { scale } as unknown as { scale: { factor: number } });
  const rebuilt = doubled.scale as Scale;
  expect(rebuilt).toBeInstanceOf(Scale);
  expect(rebuilt.apply(3)).toBe(12);
  expect(scale.factor).toBe(2);
});

test('a subclass is a class of its own', () => {
  class Base {
    a = 1;
  }
  class Derived extends Base {
    b = 2;
  }
  registerContainer(Base);
  const derived = new Derived();
  expect(leaves(derived)).toEqual([derived]);
  registerContainer(Derived);
  expect(leaves(derived)).toEqual([1, 2]);
});

test('two classes of one name print differently', () => {
  const make = () => class Twin {};
  const [First, Second] = [make(), make()];
  registerContainer(First);
  registerContainer(Second);
  expect(printStructure(structure(new First()))).toBe('Twin({})');
  expect(printStructure(structure(new Second()))).toBe('Twin2({})');
});

test('refuses what is registered and what is a container or a leaf anyway', () => {
  class Named extends Tensor {}
  expect(() => registerContainer(Named)).toThrow('tree.registerContainer: Named is a class of tensors');
  expect(() => registerContainer(Tensor)).toThrow('tree.registerContainer: Tensor is a class of tensors');
  class Once {}
  registerContainer(Once);
  expect(() => registerContainer(Once)).toThrow('tree.registerContainer: Once is registered already');
  expect(() => registerContainer(Array)).toThrow('tree.registerContainer: Array is a container already');
  expect(() => registerContainer(Object)).toThrow('tree.registerContainer: Object is a container already');
});
