import { breakerMetricProducer } from '../../src/breaker/index.ts';
import { describeConformance } from './suite.ts';

describeConformance('what comes out of the metric producer', [breakerMetricProducer()]);
