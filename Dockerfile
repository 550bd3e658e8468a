# syntax=docker/dockerfile:1
FROM python:3.11-slim-bookworm AS build
ENV UV_PROJECT_ENVIRONMENT=/opt/sanqian UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy
RUN pip install --no-cache-dir uv==0.13.9
WORKDIR /src
COPY pyproject.toml uv.lock README.md ./
# The dependencies first: they change less often than the code.
RUN uv sync --frozen --no-default-groups --no-install-project
COPY manage.py ./
COPY sanqian_service sanqian_service
COPY clusters clusters
COPY tasks tasks
COPY cli cli
COPY lab lab
RUN uv sync --frozen --no-default-groups --no-editable \
    && SANQIAN_DEBUG=1 SANQIAN_STATIC_ROOT=/opt/static /opt/sanqian/bin/python manage.py collectstatic --noinput

FROM python:3.11-slim-bookworm
RUN useradd --system --uid 10001 --home-dir /var/lib/sanqian --create-home sanqian \
    && install -d -o sanqian -m 700 /var/lib/sanqian/backups
COPY --from=build /opt/sanqian /opt/sanqian
COPY --from=build /opt/static /opt/static
COPY manage.py /app/manage.py
ENV PATH=/opt/sanqian/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    SANQIAN_STATIC_ROOT=/opt/static \
    SANQIAN_ARTIFACT_DIR=/var/lib/sanqian/artifacts \
    SANQIAN_BACKUP_DIR=/var/lib/sanqian/backups
WORKDIR /app
USER 10001:10001
EXPOSE 8300
CMD ["gunicorn", "sanqian_service.asgi:application", "--worker-class", "sanqian_service.web_worker.Worker", "--bind", "0.0.0.0:8300", "--workers", "2", "--graceful-timeout", "10", "--forwarded-allow-ips", ""]
