"""PyArrow's Flight client: the protocol without a driver above it."""

import pytest
from flightsql import flightsql_pb2
from google.protobuf import any_pb2
from pyarrow import flight


def packed(message) -> bytes:
    wrapped = any_pb2.Any()
    wrapped.Pack(message)
    return wrapped.SerializeToString()


def descriptor(message) -> flight.FlightDescriptor:
    return flight.FlightDescriptor.for_command(packed(message))


@pytest.fixture
def client(url):
    with flight.connect(url) as client:
        yield client


@pytest.fixture
def call(token) -> flight.FlightCallOptions:
    return flight.FlightCallOptions(headers=[(b"authorization", f"Bearer {token}".encode())], timeout=30)


def test_a_handshake_gives_a_bearer_token(client, token):
    header = client.authenticate_basic_token(b"anybody", token.encode())
    assert header[0] == b"authorization" and header[1].startswith(b"Bearer ")
    found = client.get_flight_info(
        descriptor(flightsql_pb2.CommandStatementQuery(query="SELECT 1")),
        flight.FlightCallOptions(headers=[header]),
    )
    assert found.schema.names


def test_a_wrong_password_is_refused(client):
    with pytest.raises(flight.FlightUnauthenticatedError):
        client.authenticate_basic_token(b"anybody", b"wrong")


def test_a_result_names_its_version(client, call, connection, orders):
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_version()")
        version = cursor.fetchone()[0]
    query = flightsql_pb2.CommandStatementQuery(query=f"SELECT id FROM {orders} ORDER BY id")
    info = client.get_flight_info(descriptor(query), call)
    assert len(info.endpoints) == 1 and not info.endpoints[0].locations
    assert str(version) in info.app_metadata.decode()
    reader = client.do_get(info.endpoints[0].ticket, call)
    assert reader.schema.equals(info.schema)
    assert reader.read_all().to_pydict() == {"id": [1, 2, 3]}


def test_a_ticket_reads_the_version_of_its_flight_info(client, call, connection, orders):
    query = flightsql_pb2.CommandStatementQuery(query=f"SELECT count(*) AS n FROM {orders}")
    info = client.get_flight_info(descriptor(query), call)
    with connection.cursor() as cursor:
        cursor.executescript(f"INSERT INTO {orders} VALUES (4, 'dee', 1)")
    found = client.do_get(info.endpoints[0].ticket, call).read_all()
    assert found.to_pydict() == {"n": [3]}


def test_headers_pin_a_call_to_the_past(client, token, connection, orders):
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_version()")
        version = cursor.fetchone()[0]
        cursor.executescript(f"INSERT INTO {orders} VALUES (4, 'dee', 1)")
    headers = [(b"authorization", f"Bearer {token}".encode()), (b"as_of", str(version).encode())]
    pinned = flight.FlightCallOptions(headers=headers)
    query = flightsql_pb2.CommandStatementQuery(query=f"SELECT count(*) AS n FROM {orders}")
    info = client.get_flight_info(descriptor(query), pinned)
    assert client.do_get(info.endpoints[0].ticket, pinned).read_all().to_pydict() == {"n": [3]}


def test_the_schema_is_told_for_a_statement(client, call, orders):
    query = flightsql_pb2.CommandStatementQuery(query=f"SELECT id, buyer FROM {orders}")
    assert client.get_schema(descriptor(query), call).schema.names == ["id", "buyer"]


def test_actions_are_listed(client, call):
    names = {action.type for action in client.list_actions(call)}
    assert {"CreatePreparedStatement", "ClosePreparedStatement"} <= names


@pytest.mark.parametrize("ticket", [b"", b"SELECT 1", b"\x00" * 200])
def test_a_ticket_that_was_not_given_out_is_refused(client, call, ticket):
    with pytest.raises((flight.FlightError, ValueError, KeyError)) as raised:
        client.do_get(flight.Ticket(ticket), call).read_all()
    assert not isinstance(raised.value, flight.FlightInternalError), raised.value


def test_an_altered_ticket_is_refused(client, call, orders):
    query = flightsql_pb2.CommandStatementQuery(query=f"SELECT id FROM {orders}")
    ticket = bytearray(client.get_flight_info(descriptor(query), call).endpoints[0].ticket.ticket)
    ticket[-1] ^= 1
    with pytest.raises(Exception) as raised:
        client.do_get(flight.Ticket(bytes(ticket)), call).read_all()
    assert not isinstance(raised.value, flight.FlightInternalError), raised.value
