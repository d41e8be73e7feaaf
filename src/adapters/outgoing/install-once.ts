const installed = new WeakMap<object, () => void>();

/**
 * Replaces what a guard replaces of a client's module, unless one has done so: then nothing changes. Returns what takes that off again.
 * @param target what the module is known by, however it was imported: a class or a prototype
 * @param replace returns what undoes each of its replacements
 */
export function installOnce(target: object, replace: () => readonly (() => void)[]): () => void {
  const known = installed.get(target);
  if (known) return known;
  const undo = replace();
  const takeOff = () => {
    if (installed.get(target) !== takeOff) return;
    installed.delete(target);
    for (const one of undo) one();
  };
  installed.set(target, takeOff);
  return takeOff;
}
