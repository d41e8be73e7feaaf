/**
 * What the provider that is registered now makes, a tracer or a logger: a service may start its SDK late, or put another in the place of the
 * first. Made once for each in its turn.
 */
export function byCurrentProvider<Provider, Made>(
  current: () => Provider,
  make: (provider: Provider) => Made,
): () => Made {
  let last: { readonly provider: Provider; readonly made: Made } | undefined;
  return () => {
    const provider = current();
    if (!last || last.provider !== provider) last = { provider, made: make(provider) };
    return last.made;
  };
}
