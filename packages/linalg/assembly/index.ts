export { factor } from './cholesky';
