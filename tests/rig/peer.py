# SPDX-License-Identifier: GPL-2.0-only
"""The other end of a machine's network ports: an echo, and a cable to pull."""

import json
import os
import socket

# For experiments (IEEE 802), so that no other traffic is answered.
ETHER_TYPE = b"\x88\xb5"


class Echo:
    """Sends each frame of our type back to its sender."""

    def __init__(self, work, port):
        self.local = os.path.join(work, port + ".local")
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.sock.bind(os.path.join(work, port + ".peer"))

    def fileno(self):
        """For select()."""
        return self.sock.fileno()

    def handle(self):
        """One frame."""
        frame = self.sock.recv(65536)
        if frame[12:14] == ETHER_TYPE:
            try:
                self.sock.sendto(frame[6:12] + frame[:6] + frame[12:],
                                 self.local)
            except OSError:
                pass


class Cables:
    """Pulls and plugs what Echo is connected with, over QMP."""

    def __init__(self, conn):
        self.file = conn.makefile("rw", encoding="utf8")
        self.read()
        self.call("qmp_capabilities")

    def read(self):
        """One message."""
        line = self.file.readline()
        if not line:
            raise ConnectionError("QEMU has gone")
        return json.loads(line)

    def call(self, command, **arguments):
        """One command; returns its reply."""
        json.dump({"execute": command, "arguments": arguments}, self.file)
        self.file.write("\n")
        self.file.flush()
        while True:
            reply = self.read()
            if "event" not in reply:
                return reply

    def link(self, port, up):
        """The answer to a question of the guest."""
        reply = self.call("set_link", name=port + "net", up=up)
        return "ok" if "return" in reply else f"error: {reply}"

    def error(self, device, name):
        """A device of that id reports an error."""
        reply = self.call("human-monitor-command", **{
            "command-line": f"pcie_aer_inject_error {device} {name}"})
        said = reply.get("return", str(reply)).strip()
        return "ok" if said.startswith("OK ") else f"error: {said}"
