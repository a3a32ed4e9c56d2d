"""Talks to others."""

# ruff: noqa

# %% TCP
import socket

attempt(socket.create_connection, ("127.0.0.1", TCP), 1)

# %% UDP
import socket

attempt(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"solution", ("127.0.0.1", UDP)))

# %% a socket in the file system
import socket

attempt(lambda: socket.socket(socket.AF_UNIX).connect(UNIX))
one, other = socket.socketpair()
attempt(one.connect, UNIX)
attempt(one.sendto, b"solution", UNIX)

# %% an abstract socket
import socket

attempt(lambda: socket.socket(socket.AF_UNIX).connect(ABSTRACT))
attempt(lambda: socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM))
one, other = socket.socketpair()
attempt(one.connect, ABSTRACT)

# %% a server
import socket

attempt(lambda: socket.create_server(("127.0.0.1", 0)))
attempt(lambda: socket.socket(socket.AF_UNIX).bind("here"))
one, other = socket.socketpair()
attempt(one.listen)

# %% other families
import socket

for family in (
    socket.AF_NETLINK,
    socket.AF_PACKET,
    getattr(socket, "AF_VSOCK", 40),
    socket.AF_ALG,
    socket.AF_INET6,
    socket.AF_BLUETOOTH,
):
    for kind in (socket.SOCK_RAW, socket.SOCK_DGRAM, socket.SOCK_STREAM, socket.SOCK_SEQPACKET):
        if syscall("socket", family, kind, 0) >= 0:
            succeed((family, kind))

# %% names
import socket

attempt(socket.getaddrinfo, "example.org", 80)
attempt(socket.gethostbyname, "localhost.localdomain")

# %% the web
import urllib.request

attempt(urllib.request.urlopen, f"http://127.0.0.1:{TCP}/solution", timeout=1)

# %% descriptors sent along
import array
import socket

channel = socket.socket(fileno=agent().channel.descriptor)
attempt(channel.sendmsg, [b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [0]))])
attempt(channel.recvmsg, 10, 100)
channel.detach()
