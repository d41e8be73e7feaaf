import { describe, expect, test } from 'vitest';
import { artifacts, DASHBOARD_UIDS } from '../../src/mixin/index.ts';
import { COLUMNS, layOut } from '../../src/mixin/panels/layout.ts';
import { allDashboards, type DashboardJson, dataPanels, type PanelJson } from './dashboard-json.ts';

describe.each(allDashboards().map((dashboard) => ({ title: dashboard.title, dashboard })))(
  '$title',
  ({ dashboard }) => {
    test('panels fit the grid and do not overlap', () => {
      for (const panel of dashboard.panels) {
        expect(panel.gridPos.x, panel.title).toBeGreaterThanOrEqual(0);
        expect(panel.gridPos.x + panel.gridPos.w, panel.title).toBeLessThanOrEqual(COLUMNS);
      }
      const overlaps = pairs(dashboard.panels).filter(([a, b]) => overlap(a, b));
      expect(overlaps.map(([a, b]) => `${a.title} over ${b.title}`)).toEqual([]);
    });

    test('ids are unique, and so are the refIds of a panel', () => {
      const ids = dashboard.panels.map(({ id }) => id);
      expect(new Set(ids).size).toBe(ids.length);
      for (const panel of dataPanels(dashboard)) {
        const refIds = panel.targets.map(({ refId }) => refId);
        expect(
          refIds.every((id) => /^[A-Z]$/.test(id)),
          panel.title,
        ).toBe(true);
        expect(new Set(refIds).size, panel.title).toBe(refIds.length);
      }
    });

    test('every panel says what it shows and queries the chosen data source', () => {
      for (const panel of dataPanels(dashboard)) {
        expect(panel.description?.length ?? 0, panel.title).toBeGreaterThan(30);
        expect(panel.targets.length, panel.title).toBeGreaterThan(0);
        for (const { uid } of [panel.datasource!, ...panel.targets.map((target) => target.datasource!)]) {
          expect(uid).toBe('$' + '{datasource}');
        }
      }
    });

    test('graphs show their legends', () => {
      for (const panel of dataPanels(dashboard).filter(({ type }) => type === 'timeseries')) {
        expect(panel.options?.legend?.showLegend, panel.title).toBe(true);
        expect(
          panel.targets.every(({ legendFormat }) => legendFormat),
          panel.title,
        ).toBe(true);
      }
    });

    test('its variables are datasource, service, breaker and instance, and it needs no import dialogue', () => {
      expect(dashboard.templating.list.map(({ name }) => name)).toEqual([
        'datasource',
        'service',
        'breaker',
        'instance',
      ]);
      expect(dashboard.templating.list[0]).toMatchObject({ type: 'datasource', query: 'prometheus' });
      expect(dashboard).not.toHaveProperty('__inputs');
    });

    test('links to the other dashboard, keeping what is selected', () => {
      const others = Object.values(DASHBOARD_UIDS).filter((uid) => uid !== dashboard.uid);
      expect(dashboard.links.map(({ url }) => url)).toEqual(others.map((uid) => `/d/${uid}`));
      expect(dashboard.links.every(({ includeVars, keepTime }) => includeVars && keepTime)).toBe(true);
    });

    test('shows its links and annotations above the panels, not in a menu', () => {
      for (const item of [...dashboard.links, ...dashboard.annotations.list])
        expect(item).not.toHaveProperty('placement');
    });

    test('marks trips', () => {
      expect(dashboard.annotations.list.some(({ expr }) => expr?.includes('breaker_trips'))).toBe(true);
    });
  },
);

describe('dashboards', () => {
  test('have the uids that alerts and links point at', () => {
    expect(allDashboards().map(({ uid }: DashboardJson) => uid)).toEqual([
      'switchgear-fleet',
      'switchgear-neutral-wires',
    ]);
  });

  test('are the same text each time', () => {
    expect(artifacts()).toEqual(artifacts());
  });

  test('a line wider than the grid is refused', () => {
    const panel = { type: 'stat', title: 'wide' };
    const lines = [
      {
        height: 1,
        panels: [
          { width: 20, panel },
          { width: 5, panel },
        ],
      },
    ];
    expect(() => layOut([{ title: 'Too wide', lines }])).toThrow('a line has 24 columns, got 25');
  });
});

function pairs(panels: readonly PanelJson[]): [PanelJson, PanelJson][] {
  return panels.flatMap((a, index) => panels.slice(index + 1).map((b): [PanelJson, PanelJson] => [a, b]));
}

function overlap({ gridPos: a }: PanelJson, { gridPos: b }: PanelJson): boolean {
  return a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;
}
