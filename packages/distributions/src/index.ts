export { bernoulliLogProb } from './bernoulli.ts';
export { categoricalLogProb } from './categorical.ts';
export { diagNormalLogProb, diagNormalSample } from './diag-normal.ts';
export { normalLike, type SampleOptions } from './normal-like.ts';
