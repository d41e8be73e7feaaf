import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard';
import { DASHBOARD_UIDS } from '../config.ts';
import { latency, traffic } from './fleet-calls.ts';
import { cause } from './fleet-cause.ts';
import { broken } from './fleet-state.ts';
import { telemetry } from './fleet-telemetry.ts';
import { dashboard } from './frame.ts';

/** Which dependency fails: what is broken first, then why, then the background. */
export function fleetDashboard(): Dashboard {
  return dashboard({
    uid: DASHBOARD_UIDS.fleet,
    title: 'Switchgear / Fleet',
    description: 'Which dependency fails, since when, and what it costs the callers.',
    rows: [broken(), cause(), traffic(), latency(), telemetry()],
  });
}
