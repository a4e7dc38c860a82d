import { readmeExamples } from '@posteriors/testing';

readmeExamples(import.meta.url, {
  readme: '../../README.md',
  joined: true,
  given:
    "const images = tf.randomUniform([5, 784]); const batches = Array.from({ length: 3 }, () => [tf.randomUniform([32, 784]), tf.zeros([32], 'int32')] as const);",
});
