export * as denseFisher from './dense-fisher.ts';
export * as denseGgn from './dense-ggn.ts';
export * as denseHessian from './dense-hessian.ts';
export * as diagFisher from './diag-fisher.ts';
export * as diagGgn from './diag-ggn.ts';
