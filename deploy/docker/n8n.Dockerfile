# n8n with the Pergola nodes, for its main process, its workers and its webhook processes alike.
FROM node:24.18.0-bookworm-slim AS nodes
WORKDIR /build
COPY deploy/n8n_nodes/package.json deploy/n8n_nodes/package-lock.json ./
RUN npm install --ignore-scripts --legacy-peer-deps --no-audit --no-fund
COPY n8n-nodes n8n-nodes
RUN cd n8n-nodes && CI=1 ../node_modules/.bin/n8n-node build \
    && npm pack --ignore-scripts --pack-destination /build
WORKDIR /nodes
RUN printf '{"name": "installed-nodes", "private": true, "dependencies": {}}' > package.json \
    && npm install --ignore-scripts --legacy-peer-deps --no-audit --no-fund \
       /build/n8n-nodes-pergola-*.tgz

FROM n8nio/n8n:2.41.1 AS n8n
# No volume covers this folder: a volume would keep the nodes of the first start for ever. Nothing
# else in it needs keeping, since data and files are in PostgreSQL and the key comes from outside.
COPY --from=nodes --chown=node:node /nodes /home/node/.n8n/nodes
