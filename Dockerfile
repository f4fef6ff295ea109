# syntax=docker/dockerfile:1

FROM rust:1-slim-bookworm AS build
WORKDIR /src
COPY . .
# The queries are checked against the committed .sqlx: building needs no database. The caches stay on the
# machine that builds, hence the copy out of target.
ENV SQLX_OFFLINE=true
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/usr/local/cargo/git \
    --mount=type=cache,target=/src/target \
    cargo build --release --locked --bin funnelchat \
    && install -m 0755 target/release/funnelchat /funnelchat

# The C library, the certificate authorities and the time zones; no shell, no package manager.
FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /funnelchat /usr/local/bin/funnelchat
ENV FUNNELCHAT_LISTEN=0.0.0.0:8080
EXPOSE 8080
USER nonroot:nonroot
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 \
    CMD ["/usr/local/bin/funnelchat", "doctor", "--health"]
ENTRYPOINT ["/usr/local/bin/funnelchat"]
CMD ["serve"]
