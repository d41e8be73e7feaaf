// biome-ignore lint/suspicious/noExplicitAny: a method of any client, whose types its caller knows
type AnyMethod = (this: any, ...args: any[]) => unknown;

/**
 * Puts a function in the place of a method, which is the object's own afterwards. Returns what takes it off again: at once where it
 * still is the method, and where somebody else has wrapped it since, it hands on to the one before.
 */
export function replaceMethod<Method extends AnyMethod>(
  target: object,
  name: string,
  make: (original: Method) => Method,
): () => void {
  const own = Object.getOwnPropertyDescriptor(target, name);
  const original = Reflect.get(target, name) as Method;
  const made = make(original);
  let isOn = true;
  const replacement: AnyMethod = function (...args) {
    return (isOn ? made : original).apply(this, args);
  };
  Object.defineProperty(replacement, 'name', { value: name, configurable: true });
  Object.defineProperty(replacement, 'length', { value: original.length, configurable: true });
  Object.defineProperty(target, name, {
    value: replacement,
    writable: true,
    configurable: true,
    enumerable: own?.enumerable ?? false,
  });
  return () => {
    isOn = false;
    if (Object.getOwnPropertyDescriptor(target, name)?.value !== replacement) return;
    if (own) Object.defineProperty(target, name, own);
    else Reflect.deleteProperty(target, name);
  };
}
