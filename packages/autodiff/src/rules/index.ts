/** Loads the rules of all kernels. */
import './elementwise.ts';
import './indexing.ts';
import './movement.ts';
import './products.ts';
import './reductions.ts';
