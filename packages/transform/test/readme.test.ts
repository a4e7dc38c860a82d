import { readmeExamples } from '@posteriors/testing';

readmeExamples(import.meta.url, { joined: true });
