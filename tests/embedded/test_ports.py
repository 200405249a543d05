"""Choosing loopback ports."""

from __future__ import annotations

import socket

import pytest

from streams.embedded.ports import LOOPBACK, choose_port, free_ports
from streams.errors import MachineError


def test_free_ports_differ_and_can_be_bound() -> None:
    ports = free_ports(20)

    assert len(set(ports)) == 20
    for port in ports:
        with socket.socket() as server:
            server.bind((LOOPBACK, port))


def test_a_free_port_lies_below_those_of_outgoing_connections() -> None:
    assert all(port < 32_768 for port in free_ports(20))


def test_a_free_wanted_port_is_taken_as_it_is() -> None:
    (port,) = free_ports(1)

    assert choose_port(port, "--kafka-port") == port


def test_port_0_is_any_free_one() -> None:
    assert choose_port(0, "--kafka-port") > 0


def test_an_occupied_port_is_named_together_with_the_option_that_mends_it() -> None:
    with socket.socket() as server:
        server.bind((LOOPBACK, 0))
        server.listen()
        port = server.getsockname()[1]

        with pytest.raises(MachineError, match=rf"port {port} .*in use.*--clickhouse-port PORT"):
            choose_port(port, "--clickhouse-port")
