# The program alone, with the certificates by which it judges others'.
#
#   docker build --build-arg HOOP_DOCTOR_COMMIT="$(git rev-parse --short=12 HEAD)" -t hoop-doctor .
#   docker run --rm -e HOOP_KEY hoop-doctor
#
# The project's own check doesn't build this image. .ci/static builds the same program and runs it in a root folder with
# the same content.

FROM rust:1.95-slim-bookworm AS source
WORKDIR /source
COPY . .

FROM source AS program
# hadolint ignore=DL3008 # Any version of these will do, and old ones go away.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates musl-tools \
    && rm -rf /var/lib/apt/lists/*
RUN rustup target add "$(uname -m)-unknown-linux-musl"
ARG HOOP_DOCTOR_COMMIT
RUN cargo build --release --locked --target "$(uname -m)-unknown-linux-musl" \
    && cp "target/$(uname -m)-unknown-linux-musl/release/hoop-doctor" /hoop-doctor

FROM source AS licenses
RUN cargo install --locked --features cli --version 0.9.3 cargo-about \
    && packaging/licenses /licenses

FROM scratch
COPY --from=program /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=licenses /licenses/ /licenses/
COPY --from=program /hoop-doctor /
USER 65532:65532
ENTRYPOINT ["/hoop-doctor"]
CMD ["check"]
