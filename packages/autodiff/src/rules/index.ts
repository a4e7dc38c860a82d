/** Loads the rules of all kernels: imported where rules are looked up, so that bundlers keep them. */
import './convolution.ts';
import './elementwise.ts';
import './fourier.ts';
import './indexing.ts';
import './movement.ts';
import './pooling.ts';
import './products.ts';
import './reductions.ts';
import './selection.ts';
