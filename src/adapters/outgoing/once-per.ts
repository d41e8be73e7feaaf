/** `make`, asked once for each object. What it made lives as long as the object does. */
export function oncePer<Key extends object, Made extends object>(make: (key: Key) => Made): (key: Key) => Made {
  const made = new WeakMap<Key, Made>();
  return (key) => {
    let one = made.get(key);
    if (!one) {
      one = make(key);
      made.set(key, one);
    }
    return one;
  };
}
