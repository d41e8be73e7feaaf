export { type AlertName, type AlertRule, alerts, type Severity } from './alerts.ts';
export { type Artifact, artifacts } from './artifacts.ts';
export { DASHBOARD_UIDS, DEFAULT_CONFIG, type MixinConfig } from './config.ts';
export { fleetDashboard } from './dashboards/fleet.ts';
export { neutralWiresDashboard } from './dashboards/neutral-wires.ts';
export { RECORDED, type RecordingRule, type RuleGroup, recordingRules } from './recording-rules.ts';
export { runbook, runbookQueries } from './runbook.ts';
export { telemetryReference } from './telemetry-reference.ts';
