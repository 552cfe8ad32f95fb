# A container of the gateway: slim Python, a user without rights, a health check.
#
# Not built by this repository's tests, which have no container engine; they lint it
# (tests/docs/test_dockerfile.py). How to use it: docs/running.md.

FROM python:3.13-slim-bookworm AS build
ARG EXTRAS=mock,twilio,telnyx,plivo,expose-public-url,tts-openai,stt-openai,responder-model,responder-command,responder-http,responder-scripted
WORKDIR /src
RUN ["pip", "install", "--no-cache-dir", "uv>=0.8,<1"]
COPY . .
RUN uv build --no-cache --quiet --all-packages --wheel --out-dir dist \
    && uv venv --no-cache --quiet /opt/voicecall \
    && uv pip install --no-cache --quiet --python /opt/voicecall --constraint constraints.txt \
       --find-links dist "voicecall[${EXTRAS}]"

FROM python:3.13-slim-bookworm
RUN groupadd --system --gid 10001 voicecall \
    && useradd --system --uid 10001 --gid voicecall --home-dir /var/lib/voicecall voicecall \
    && install --directory --mode 0700 --owner voicecall --group voicecall /var/lib/voicecall \
    && install --directory --mode 0755 /etc/voicecall
COPY --from=build /opt/voicecall /opt/voicecall
ENV PATH=/opt/voicecall/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    VOICECALL_CONFIG=/etc/voicecall/voicecall.json5 \
    VOICECALL_STATE_DIR=/var/lib/voicecall
USER 10001:10001
WORKDIR /var/lib/voicecall
VOLUME ["/var/lib/voicecall"]
EXPOSE 3334
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s --retries=3 \
    CMD ["voicecall", "status", "--json"]
ENTRYPOINT ["voicecall"]
CMD ["serve"]
