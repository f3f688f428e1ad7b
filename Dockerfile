# docker build -t flowrun .
# docker run --rm -p 4242:4242 -v "$PWD/flows/examples:/flows:ro" flowrun /flows/echo.hcl --var url=0.0.0.0:4242

FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -ldflags="-s -w" -o /flowrun ./cmd/flowrun

FROM scratch
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/
COPY --from=build /flowrun /flowrun
USER 65532:65532
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s CMD ["/flowrun", "server", "status"]
ENTRYPOINT ["/flowrun", "server", "run", "--admin", "127.0.0.1:8686"]
