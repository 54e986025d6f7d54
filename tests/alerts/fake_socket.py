"""A small Slack in which people press buttons: Web API over HTTP and Socket Mode over a WebSocket, both on loopback."""

import json
import queue
import threading
from urllib.parse import parse_qs, urlsplit

from websockets.exceptions import ConnectionClosed
from websockets.sync.server import serve

from tests.alerts.fake_slack import TOKEN, FakeSlack

APP_TOKEN = "xapp-1-A0TEST-12345-secretofthetest"
PATIENCE_SECONDS = 120  # a connection that just goes silent is noticed by missed pings, after 20 to 25 seconds


class ClickableSlack(FakeSlack):
    """`press(payload)` sends an envelope and returns what the app acknowledged it with."""

    def __init__(self, clock):
        super().__init__(clock)
        self.tickets, self.connections, self.acks = set(), queue.Queue(), queue.Queue()
        self.opened, self.envelopes, self.answered = 0, 0, threading.Condition()
        self.socket = serve(self._session, "127.0.0.1", 0)
        self.address = f"ws://127.0.0.1:{self.socket.socket.getsockname()[1]}"
        threading.Thread(target=self.socket.serve_forever, daemon=True).start()

    def stop(self):
        """Close both ports."""
        self.socket.shutdown()
        super().stop()

    def token_of(self, method):
        return APP_TOKEN if method == "apps.connections.open" else TOKEN

    def apps_connections_open(self, body):
        self.opened += 1
        ticket = f"ticket-{self.opened}"
        self.tickets.add(ticket)
        return {"ok": True, "url": f"{self.address}/link/?ticket={ticket}&app_id=A0TEST"}

    def views_open(self, body):
        return {"ok": True, "view": {"id": "V0TEST"}}

    def chat_postEphemeral(self, body):
        return {"ok": True, "message_ts": "1.0"}

    def connected(self):
        """The app's next new connection, greeted."""
        return self.connections.get(timeout=PATIENCE_SECONDS)

    def press(self, connection, payload, kind="interactive"):
        """Send an envelope; returns the acknowledgement's payload."""
        self.envelopes += 1
        envelope = {"type": kind, "envelope_id": f"e-{self.envelopes}", "accepts_response_payload": True}
        connection.send(json.dumps({**envelope, "payload": payload}))
        ack = self.acks.get(timeout=PATIENCE_SECONDS)
        assert ack["envelope_id"] == envelope["envelope_id"]
        return ack.get("payload")

    def wait_for(self, method, count=1):
        """The bodies of the requests to a method, once there are so many."""
        with self.answered:
            assert self.answered.wait_for(lambda: len(self.asked(method)) >= count, PATIENCE_SECONDS), self.requests
        return self.asked(method)

    def fault(self, method):
        with self.answered:
            self.answered.notify_all()
        return super().fault(method)

    def _session(self, connection):
        ticket = parse_qs(urlsplit(connection.request.path).query).get("ticket", [""])[0]
        if ticket not in self.tickets:
            return connection.close(1008)
        self.tickets.remove(ticket)  # it is good once
        hello = {"type": "hello", "num_connections": 1, "connection_info": {"app_id": "A0TEST"}}
        connection.send(
            json.dumps({**hello, "debug_info": {"host": "applink-1", "approximate_connection_time": 18060}})
        )
        self.connections.put(connection)
        try:
            for raw in connection:
                self.acks.put(json.loads(raw))
        except ConnectionClosed:
            pass
