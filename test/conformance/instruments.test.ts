import { describeConformance } from './describe-conformance.ts';

// A producer would take the instruments' place for the whole process, so the two ways are apart.
describeConformance('what comes out of the instruments of the metrics API', []);
