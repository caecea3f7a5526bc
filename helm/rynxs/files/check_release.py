"""Ask each replica of a release whether it is ready; run by `helm test`."""

from __future__ import annotations

import http.client
import socket
import sys
import time

LIMIT_S = 120.0
PAUSE_S = 2.0
ANSWER_S = 5.0


def main(service: str, port: int, replicas: int) -> None:
    """Ask until all are ready, or for two minutes."""
    deadline = time.monotonic() + LIMIT_S
    while True:
        answers = {address: _asked(address, port) for address in _addresses(service, port)}
        is_well = all(status == http.client.OK for status, _ in answers.values())
        if (is_well and len(answers) >= replicas) or time.monotonic() > deadline:
            break
        time.sleep(PAUSE_S)
    for address, (_, text) in sorted(answers.items()):
        sys.stdout.write(f"{address}\n{text}\n")
    if not is_well or len(answers) < replicas:
        ready = sum(status == http.client.OK for status, _ in answers.values())
        sys.exit(f"{ready} of {replicas} replicas are ready; see the logs of the others")


def _addresses(service: str, port: int) -> set[str]:
    try:
        found = socket.getaddrinfo(service, port, type=socket.SOCK_STREAM)
    except socket.gaierror:
        return set()
    return {str(address[0]) for *_, address in found}


def _asked(address: str, port: int) -> tuple[int, str]:
    connection = http.client.HTTPConnection(address, port, timeout=ANSWER_S)
    try:
        connection.request("GET", "/readyz")
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    except (OSError, http.client.HTTPException) as error:
        return 0, str(error)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
