/** Registers tfjs's cpu device. */
import '@tensorflow/tfjs-backend-cpu';
