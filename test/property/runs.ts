/** How many sequences a property tries: `SWITCHGEAR_PROPERTY_RUNS` raises it for a long search. */
export function runs(byDefault: number): number {
  const asked = Number(process.env.SWITCHGEAR_PROPERTY_RUNS);
  return Number.isInteger(asked) && asked > 0 ? asked : byDefault;
}
