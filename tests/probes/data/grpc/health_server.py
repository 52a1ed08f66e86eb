#!/usr/bin/env python3
"""A gRPC server with grpc.health.v1.Health, written by hand: the messages are a few bytes.

usage: health_server.py [CERT KEY]    says "port N" when it listens
"""
import sys
import time
from concurrent import futures

import grpc

STATUSES = {b"": 1, b"good": 1, b"bad": 2, b"unsure": 0, b"nobody": 3}


def check(request, context):
    service = request[2:] if request[:1] == b"\x0a" else b""
    metadata = dict(context.invocation_metadata())
    if service == b"locked" and metadata.get("authorization") != "Bearer let-me-in":
        context.abort(grpc.StatusCode.UNAUTHENTICATED, "no token")
    if service == b"full":
        context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "too much\n100%")
    if service == b"slow":
        time.sleep(1.5)
    if service in (b"slow", b"locked"):
        service = b""
    if service not in STATUSES:
        context.abort(grpc.StatusCode.NOT_FOUND, "unknown service")
    status = STATUSES[service]
    return bytes([8, status]) if status else b""


class Health(grpc.GenericRpcHandler):
    def service(self, details):
        if details.method == "/grpc.health.v1.Health/Check":
            return grpc.unary_unary_rpc_method_handler(check)
        return None


class Nothing(grpc.GenericRpcHandler):
    def service(self, details):
        return None


def main():
    arguments = [a for a in sys.argv[1:] if a != "--without-health"]
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=4))
    server.add_generic_rpc_handlers((Nothing() if "--without-health" in sys.argv else Health(),))
    if arguments:
        cert, key = (open(path, "rb").read() for path in arguments)
        port = server.add_secure_port("localhost:0", grpc.ssl_server_credentials([(key, cert)]))
    else:
        port = server.add_insecure_port("localhost:0")
    server.start()
    print("port", port, "listening", flush=True)
    server.wait_for_termination()


if __name__ == "__main__":
    main()
