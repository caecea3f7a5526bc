# The operator's image (the last target, and so the default) and that of the agent runtime (`--target agent`).
# The base is given by its digest in a release: --build-arg PYTHON=python:3.13-slim-trixie@sha256:...
ARG PYTHON=python:3.13.9-slim-trixie

FROM ${PYTHON} AS build
WORKDIR /src
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY rynxs rynxs
COPY plugins plugins
COPY agent agent
RUN python3 -m venv /build \
 && /build/bin/pip install --constraint constraints.txt hatchling \
 && /build/bin/pip wheel --no-build-isolation --no-deps --wheel-dir /wheels/agent ./agent \
 && /build/bin/pip wheel --no-build-isolation --no-deps --wheel-dir /wheels/operator . ./plugins/*
# What `plugins.install` of the chart brings is found last.
RUN python3 -m venv /opt/rynxs \
 && /opt/rynxs/bin/pip install --constraint constraints.txt /wheels/operator/*.whl 'rynxs[operator]' \
 && mkdir /opt/rynxs/plugins \
 && echo /opt/rynxs/plugins > "$(/opt/rynxs/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/zz-plugins.pth"
RUN python3 -m venv /opt/rynxs-agent \
 && /opt/rynxs-agent/bin/pip install --constraint constraints.txt /wheels/agent/*.whl \
 && /opt/rynxs-agent/bin/pip uninstall --yes pip

FROM ${PYTHON} AS agent
LABEL org.opencontainers.image.title="rynxs agent runtime" \
      org.opencontainers.image.source="https://github.com/rynxs/rynxs-agentos" \
      org.opencontainers.image.licenses="MIT"
COPY --from=build /opt/rynxs-agent /opt/rynxs-agent
ENV PATH=/opt/rynxs-agent/bin:${PATH}
USER 65532:65532
ENTRYPOINT ["python", "-I", "-m", "rynxs_agent"]

FROM ${PYTHON} AS operator
LABEL org.opencontainers.image.title="rynxs operator" \
      org.opencontainers.image.source="https://github.com/rynxs/rynxs-agentos" \
      org.opencontainers.image.licenses="MIT"
COPY --from=build /opt/rynxs /opt/rynxs
ENV PATH=/opt/rynxs/bin:${PATH}
USER 65532:65532
ENTRYPOINT ["rynxs"]
CMD ["operator"]
