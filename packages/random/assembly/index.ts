/** Random bits, uniform and normal numbers and new keys, four at a time. Pointers are byte offsets into the memory of the device. */
export { fillBits, fillNormal, fillUniform, fold } from './fill';
