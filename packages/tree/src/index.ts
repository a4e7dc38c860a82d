export { type Container, type ContainerRule, registerContainer } from './container.ts';
export { type Flat, flatten, hasStructure, leaves, leavesLike, structure, unflatten } from './flatten.ts';
export { flexiMap, giveLeaves, mapInplace } from './inplace.ts';
export { map, mapWithPath, reduce } from './map.ts';
export { paths } from './path.ts';
export { type Raveled, ravel } from './ravel.ts';
export { extract, insert, insertInplace } from './select.ts';
export { size } from './size.ts';
export { stack, unstack } from './stack.ts';
export { printStructure, type Structure, sameStructure } from './structure.ts';
export {
  extractTrainable,
  extractTrainableAndFunction,
  insertTrainable,
  insertTrainableInplace,
  isTrainable,
  type Mask,
  resolveMask,
  type TrainableFunction,
} from './trainable.ts';
export type { LeafOf, LeafPredicate, MapLeaves, TensorTree, Tree } from './types.ts';
