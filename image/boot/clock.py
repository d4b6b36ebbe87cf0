"""A server that says what time it is (SNTP, RFC 4330), for a guest whose gateway is this machine: a year that no clock here shows."""

import calendar
import socket
import struct
import threading

YEAR = 2031
# Seconds from 1900 to 1970.
EPOCH = 2_208_988_800


class Server:
    """Answers until it ends. Wants the right to the port: root."""

    def __init__(self, port=123):
        self.asked = 0
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", port))
        self.socket.settimeout(0.5)
        self.ends = threading.Event()
        self.thread = threading.Thread(target=self._answer, daemon=True)
        self.thread.start()

    def _answer(self):
        now = calendar.timegm((YEAR, 6, 1, 12, 0, 0)) + EPOCH
        while not self.ends.is_set():
            try:
                asked, whose = self.socket.recvfrom(512)
            except TimeoutError:
                continue
            if len(asked) < 48:
                continue
            stamp = struct.pack(">II", now, 0)
            # Version 4, a server, of stratum 2; the asker's own time comes back as it came.
            head = struct.pack(">BBbbII4s", 0o44, 2, 6, -20, 0, 0, b"TEST")
            self.socket.sendto(head + stamp + asked[40:48] + stamp + stamp, whose)
            self.asked += 1

    def end(self):
        self.ends.set()
        self.thread.join()
        self.socket.close()
