# One image for the API, the workers and migrations: `trackers api` (the default), `trackers worker`, `trackers migrate`.
# It writes nothing but to /tmp, so it runs with a read-only root: docker run --read-only --tmpfs /tmp ...

FROM python:3.11-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /build
COPY requirements/app.txt requirements/dev.txt requirements/
# What the wheel is built with comes out of the lock of the developers, hashes and all.
RUN awk '/^[^ ]/ { wanted = /^(hatchling|packaging|pathspec|pluggy|tomlkit|trove-classifiers)==/ } wanted' \
        requirements/dev.txt > requirements/build.txt \
    && python -m pip install --only-binary :all: --require-hashes -r requirements/build.txt \
    && python -m venv --without-pip /opt/trackers \
    && python -m pip --python /opt/trackers/bin/python install --only-binary :all: --require-hashes -r requirements/app.txt
COPY pyproject.toml README.md ./
COPY migrations migrations
COPY src src
RUN python -m pip wheel --no-deps --no-build-isolation --wheel-dir dist . \
    && python -m pip --python /opt/trackers/bin/python install --no-deps --no-index dist/*.whl

FROM python:3.11-slim-bookworm
LABEL org.opencontainers.image.title="Trackers" \
      org.opencontainers.image.description="Follows things on other people's sites for a community, and tells people when they change." \
      org.opencontainers.image.version="0.1.0"
RUN groupadd --gid 10001 trackers \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /tmp --shell /usr/sbin/nologin trackers \
    && python -m pip uninstall --yes pip setuptools wheel \
    && rm -rf /usr/local/lib/python3.11/ensurepip
COPY --from=build /opt/trackers /opt/trackers
ENV PATH=/opt/trackers/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    TRACKERS_ENV=production \
    TRACKERS_HOST=0.0.0.0 \
    TRACKERS_LOG_FORMAT=json
USER 10001:10001
WORKDIR /tmp
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=10s --start-period=30s --retries=3 CMD ["trackers", "health"]
ENTRYPOINT ["trackers"]
CMD ["api"]
