# One image for every service of docker-compose.yml; the command says which. Made in two steps, so that pip and its
# leftovers stay behind.
FROM python:3.13.9-slim-trixie@sha256:326df678c20c78d465db501563f3492d17c42a4afe33a1f2bf5406a1d56b0e86 AS build
WORKDIR /src
RUN python -m venv /opt/borough
# The dependencies first: they change seldom, and this layer is then kept. Only files whose hashes are written down.
COPY requirements/service.txt requirements/build.txt requirements/
RUN /opt/borough/bin/pip install --no-cache-dir --require-hashes --only-binary :all: \
        -r requirements/service.txt -r requirements/build.txt
COPY . .
RUN /opt/borough/bin/pip install --no-cache-dir --no-deps --no-build-isolation --no-index . \
    && /opt/borough/bin/pip uninstall --yes -r requirements/build.txt \
    && rm -rf /opt/borough/lib/python3.13/site-packages/pip*

FROM python:3.13.9-slim-trixie@sha256:326df678c20c78d465db501563f3492d17c42a4afe33a1f2bf5406a1d56b0e86
# Letters are to people whose names are in any script (docs/how-to/send-letters.md).
RUN apt-get update \
    && apt-get install --yes --no-install-recommends fonts-noto-core fonts-droid-fallback \
    && rm -rf /var/lib/apt/lists/*
RUN useradd --system --uid 10001 --user-group --no-create-home --shell /usr/sbin/nologin borough
COPY --from=build /opt/borough /opt/borough
ENV PATH=/opt/borough/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 10001:10001
ENTRYPOINT ["borough"]
CMD ["--help"]
