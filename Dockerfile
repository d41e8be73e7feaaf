# The control plane, and the demo: docker run --init switchgear node src/demo/main.ts
FROM node:24.21.0-slim AS dependencies
WORKDIR /app
# Manifests alone, so that a change of source keeps this layer. npm wants every workspace of the lock file.
COPY package.json package-lock.json ./
COPY src/conventions/package.json src/conventions/
COPY src/breaker/package.json src/breaker/
COPY src/adapters/package.json src/adapters/
COPY src/service-config/package.json src/service-config/
COPY src/register/package.json src/register/
COPY src/control-plane/package.json src/control-plane/
COPY src/cli/package.json src/cli/
COPY src/mixin/package.json src/mixin/
COPY src/demo/package.json src/demo/
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund \
    --workspace @switchgear/control-plane --workspace @switchgear/demo --workspace @switchgear/cli

FROM node:24.21.0-slim
WORKDIR /app
# Sources run as they are: Node strips the types. They are root's, so the process cannot change them.
COPY --from=dependencies /app/node_modules node_modules
COPY package.json LICENSE ./
COPY src src
RUN mkdir /data && chown node:node /data
USER node
ENV NODE_ENV=production \
    SWITCHGEAR_HOST=0.0.0.0 \
    SWITCHGEAR_PORT=4390 \
    SWITCHGEAR_STORE=sqlite:/data/switchgear.db
VOLUME /data
EXPOSE 4390
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s --retries=3 \
  CMD ["node", "-e", "fetch('http://127.0.0.1:' + process.env.SWITCHGEAR_PORT + '/readyz').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "src/control-plane/main.ts"]
