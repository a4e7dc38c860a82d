/** Random bits and normal numbers, four at a time. Pointers are byte offsets into the memory of the device. */
export { fillBits } from './threefry';
