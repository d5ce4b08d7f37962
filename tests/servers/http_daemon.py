"""A Debian program with a web API that runs privately on loopback: started by flags alone, ready when it says so."""

from __future__ import annotations

import subprocess
from abc import ABC, abstractmethod
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
from servers.polling import tail, until
from servers.ports import LOOPBACK, Ports


class HttpDaemon(ABC):
    """One instance with its own ``folder``; a context manager that starts and ends it."""

    def __init__(self, folder: Path, configuration: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.file, self.log = folder, folder / "configuration.yml", folder / "log"
        self.file.write_text(configuration, encoding="utf-8")
        self._ports = Ports()
        self.port = self._ports.reserve()
        self.address = f"{LOOPBACK}:{self.port}"
        self.url = f"http://{self.address}"
        self._client = httpx.Client(base_url=self.url, timeout=60, trust_env=False)
        self._process: subprocess.Popen[bytes] | None = None

    @abstractmethod
    def command(self) -> list[str]:
        """The program with its flags."""

    def start(self) -> None:
        """Start, and wait until it is ready; AssertionError with the end of its log if not."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(self.command(), cwd=self.folder, stdout=log, stderr=log)
        try:
            until(self._is_ready, f"{self.command()[0]} at {self.address}")
        except AssertionError as error:
            self.stop()
            raise AssertionError(f"{error}\n{tail(self.log)}") from None

    def stop(self) -> None:
        """End it; what it stored stays in its folder."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(20)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None

    def reload(self, configuration: str | None = None) -> None:
        """Read the configuration again, another one if given; AssertionError with its words if it is refused."""
        if configuration is not None:
            self.file.write_text(configuration, encoding="utf-8")
        answer = self._client.post("/-/reload")
        assert answer.status_code == 200, answer.text

    def get(self, path: str, **parameters: Any) -> Any:
        """The JSON at ``path``; AssertionError with the server's words if it refuses."""
        answer = self._client.get(path, params=parameters)
        assert answer.status_code == 200, f"{path} {parameters}: {answer.status_code} {answer.text}"
        return answer.json()

    def _is_ready(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, f"it ended with status {self._process.returncode}"
        try:
            return self._client.get("/-/ready").status_code == 200
        except httpx.TransportError:
            return False

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        self._client.close()
        self._ports.close()
