"""A small Slack over real HTTP on the loopback interface: it stores messages and fails on demand."""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections import defaultdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl

TOKEN = "xoxb-12345-secret-of-the-test"


def error(code, **more):
    """An answer with ok: false."""
    return ("error", code, more)


def status(number, body="<html>upstream</html>", **headers):
    """An HTTP error."""
    return ("status", number, body, headers)


RESET = ("reset",)  # the connection breaks before Slack takes the message
LOST_REPLY = ("lost_reply",)  # Slack takes the message, the connection breaks before the answer
SILENT = ("silent",)  # Slack takes the message and never answers
DEAF = ("deaf",)  # Slack reads the request, and neither takes the message nor answers


class FakeSlack:
    """`faults[method]` is a list of faults: one is used up per request. `always[method]` is one that stays."""

    def __init__(self, clock):
        self.clock, self.messages, self.requests, self.files = clock, [], [], {}
        self.faults, self.always = defaultdict(list), {}
        self.before_post = lambda body: None
        self.page_size = 200
        self.lock, self.stopping = threading.Lock(), threading.Event()
        self.heard, self.taken = threading.Event(), threading.Event()  # a request came; a message was stored
        self.server = _Server(("127.0.0.1", 0), _Handler)
        self.server.slack = self
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/api/"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def stop(self):
        """Close the port."""
        self.stopping.set()
        self.server.shutdown()
        self.server.server_close()

    def asked(self, method):
        """The bodies of the requests to a method."""
        return [body for name, body in self.requests if name == method]

    def sent_to(self, recipient):
        """The stored messages for a recipient as given to chat.postMessage."""
        return [message for message in self.messages if message["asked_channel"] == recipient]

    def token_of(self, method):
        """The token that a method takes."""
        return TOKEN

    def fault(self, method):
        with self.lock:
            return self.faults[method].pop(0) if self.faults[method] else self.always.get(method)

    def chat_postMessage(self, body):
        with self.lock:
            ts = f"{self.clock + len(self.messages):.6f}"
            stored = {key: value for key, value in body.items() if key != "channel"}
            channel = _conversation(body["channel"])
            self.messages.append({**stored, "asked_channel": body["channel"], "channel": channel, "ts": ts})
        self.taken.set()
        return {"ok": True, "channel": channel, "ts": ts, "message": {}}

    def chat_update(self, body):
        with self.lock:
            for message in self.messages:
                if (message["channel"], message["ts"]) == (body["channel"], body["ts"]):
                    message |= {name: body[name] for name in ("text", "blocks", "metadata") if name in body}
                    message["updates"] = message.get("updates", 0) + 1
                    return {"ok": True, "channel": body["channel"], "ts": body["ts"]}
        return {"ok": False, "error": "message_not_found"}

    def files_getUploadURLExternal(self, body):
        with self.lock:
            file_id = f"F{len(self.files):05d}"
            self.files[file_id] = {"name": body["filename"], "alt_txt": body.get("alt_txt"), "content": None}
        return {"ok": True, "upload_url": self.url.replace("/api/", f"/upload/{file_id}"), "file_id": file_id}

    def files_completeUploadExternal(self, body):
        given = json.loads(body["files"]) if isinstance(body["files"], str) else body["files"]
        if any(self.files[one["id"]]["content"] is None for one in given):
            return {"ok": False, "error": "file_not_found"}
        if body.get("channel_id"):
            names = [{"id": one["id"], "title": one["title"]} for one in given]
            self.chat_postMessage(
                {"channel": body["channel_id"], "thread_ts": body.get("thread_ts"), "text": "", "files": names}
            )
        return {"ok": True, "files": given}

    def conversations_open(self, body):
        return {"ok": True, "channel": {"id": _conversation(body["users"])}}

    def conversations_list(self, body):
        names = [
            "general",
            *dict.fromkeys(m["asked_channel"][1:] for m in self.messages if m["asked_channel"][0] == "#"),
        ]
        start = int(body.get("cursor") or 0)
        more = str(start + 1) if len(names) > start + 1 else ""  # one channel per page
        found = [{"id": _conversation(f"#{name}"), "name": name} for name in names[start : start + 1]]
        return {"ok": True, "channels": found, "response_metadata": {"next_cursor": more}}

    def conversations_replies(self, body):
        return self.conversations_history(body)

    def conversations_history(self, body):
        if body["channel"][0] not in "CD":
            return {"ok": False, "error": "channel_not_found"}
        found = [m for m in self.messages if m["channel"] == body["channel"]]
        if "ts" in body:
            found = [m for m in found if body["ts"] in (m["ts"], m.get("thread_ts"))]
        else:  # a reply stands in its thread only, unless it was broadcast
            found = [m for m in found if not m.get("thread_ts") or m.get("reply_broadcast")]
        found = [m for m in reversed(found) if float(m["ts"]) >= float(body.get("oldest", 0))]
        hidden = () if body.get("include_all_metadata") in ("1", "true") else ("metadata",)
        start, size = int(body.get("cursor") or 0), min(int(body.get("limit", 100)), self.page_size)
        page = [{k: v for k, v in m.items() if k not in hidden} for m in found[start : start + size]]
        more = str(start + size) if len(found) > start + size else ""
        return {"ok": True, "messages": page, "response_metadata": {"next_cursor": more}}


def _conversation(name):
    return f"D{name}" if name[0] in "UW" else f"C{name[1:].upper()}" if name[0] == "#" else name


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def shutdown_request(self, request):
        self.close_request(request)  # without a farewell, so that SO_LINGER 0 makes a real reset

    def handle_error(self, request, client_address):
        pass


class _Handler(BaseHTTPRequestHandler):
    def log_message(self, *args):
        pass

    def do_POST(self):
        slack, method = self.server.slack, self.path.rsplit("/", 1)[1]
        sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path.startswith("/upload/"):
            return self.take_upload(slack, method, sent)
        raw = sent.decode()
        body = json.loads(raw or "{}") if "json" in self.headers["Content-Type"] else dict(parse_qsl(raw))
        slack.requests.append((method, body))
        slack.heard.set()
        if self.headers.get("Authorization") != f"Bearer {slack.token_of(method)}":
            return self.answer({"ok": False, "error": "invalid_auth"})
        if method == "chat.postMessage":
            slack.before_post(body)
        fault = slack.fault(method) or ("none",)
        if fault[0] == "error":
            return self.answer({"ok": False, "error": fault[1], **fault[2]})
        if fault[0] == "status":
            return self.answer(fault[2], fault[1], fault[3])
        if fault[0] == "reset":
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return None
        if fault[0] == "deaf":
            slack.stopping.wait(20)
            return None
        answer = getattr(slack, method.replace(".", "_"))(body)
        if fault[0] == "silent":
            slack.stopping.wait(20)
        return None if fault[0] in ("lost_reply", "silent") else self.answer(answer)

    def take_upload(self, slack, file_id, content):
        slack.requests.append(("upload", {"file_id": file_id}))
        fault = slack.fault("upload") or ("none",)
        if fault[0] == "status":
            return self.answer(fault[2], fault[1], fault[3])
        if fault[0] == "reset":
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return None
        slack.files[file_id]["content"] = content
        return None if fault[0] == "lost_reply" else self.answer("OK")

    def answer(self, body, number=200, headers=()):
        data = (body if isinstance(body, str) else json.dumps(body)).encode()
        self.send_response(number)
        for name, value in dict(headers).items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Type", "text/html" if isinstance(body, str) else "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
