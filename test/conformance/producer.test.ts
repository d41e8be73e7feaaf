import { breakerMetricProducer } from '../../src/breaker/index.ts';
import { describeConformance } from './describe-conformance.ts';

describeConformance('what comes out of the metric producer', [breakerMetricProducer()]);
