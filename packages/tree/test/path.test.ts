import fc from 'fast-check';
import { expect, test } from 'vitest';
import { leaves, paths } from '../src/index.ts';
import { numberTree, Point } from './trees.ts';

test('paths read like code', () => {
  expect(paths(1)).toEqual(['$']);
  expect(paths({ layers: [{ bias: 1 }, { bias: 2, w: null }] })).toEqual(['$.layers[0].bias', '$.layers[1].bias']);
  expect(paths({ 'a b': 1, 0: [2], é: 3, 'q"': 4 })).toEqual(['$["0"][0]', '$["a b"]', '$["q\\""]', '$.é']);
  expect(paths([new Point(1, [2])])).toEqual(['$[0].x', '$[0].y[0]']);
});

test('there is one path for each leaf and no two are alike', () => {
  fc.assert(
    fc.property(numberTree, (tree) => {
      const found = paths(tree);
      expect(found).toHaveLength(leaves(tree).length);
      expect(new Set(found).size).toBe(found.length);
    }),
  );
});
