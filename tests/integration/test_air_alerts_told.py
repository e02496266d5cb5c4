"""Who is told of the air, when, how often and in what words: the trigger over a real database, hour by hour."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

import pytest

from borough.delivery.air_alerts import look
from store import air_alerts
from store.connect import Connection, connect
from tests.tools.servers import Cluster
from tests.worlds import air_alerts as world
from tests.worlds.air_alerts import LON, NOON, monitor, options, sent, subscribe, tell

HOUR = timedelta(hours=1)


@pytest.fixture(scope="module")
def url(timescale: Cluster) -> Iterator[str]:
    name = timescale.create()
    yield timescale.url(name)
    timescale.drop(name)


@pytest.fixture
def connection(url: str) -> Iterator[Connection]:
    with connect(url, autocommit=True) as opened:
        world.clean(opened)
        yield opened


def go(connection: Connection, index: Sequence[int], start: datetime = NOON, *, sends: bool = True) -> list[str]:
    """Look five minutes after each hour of ``index``; the subjects of what was put, by the hour that was over.

    ``sends``: a relay takes what was put before the next hour.
    """
    told = []
    for hours in range(1, len(index) + 1):
        end = start + hours * HOUR
        tell(connection, index[:hours], end)
        before = len(sent(connection))
        look(connection, options(), end + timedelta(minutes=5))
        told += [f"{hours - 1} {one.subject}" for one in sent(connection)[before:]]
        if sends:
            send(connection)
    return told


def send(connection: Connection) -> None:
    """A relay takes what waits."""
    connection.execute("update personal.message set state = 'sent', settled_at = now() where state = 'waiting'")


def episodes(connection: Connection) -> list[tuple[str, int, int | None, str | None, bool]]:
    """Of all: place and band's subscription, begin and end in hours after noon, how, whether told."""
    rows = connection.execute(
        "select s.place, e.begin_hour, e.end_hour, e.how, e.told_at is not null"
        " from personal.air_episode e join personal.air_subscription s on s.id = e.subscription_id order by e.id"
    ).fetchall()

    def hours(moment: datetime | None) -> int | None:
        return None if moment is None else (moment - NOON) // HOUR

    return [(place, hours(begin) or 0, hours(end), how, told) for place, begin, end, how, told in rows]


def test_once_an_episode_and_once_at_its_end_where_that_is_wished(connection: Connection) -> None:
    monitor(connection)
    subscribe(connection, "ada@example.com", tell_end=True)
    subscribe(connection, "bob@example.com")
    index = [1, 5, 1, 4, 4, 5, 7, 3, 4, 3, 3, 3, 2, 2, 4, 4, 3, 3, 3, *[1] * 10]
    assert go(connection, index) == [
        "4 Air pollution is Moderate: TE5 7ST",
        "4 Air pollution is Moderate: TE5 7ST",
        # twice below and back within six hours: nothing; and its end once nothing can undo it
        "22 Air pollution is below Moderate again: TE5 7ST",
    ]
    assert episodes(connection) == [("TE5 7ST", 3, 16, "below", True)] * 2
    end = sent(connection)[2]
    assert "was Moderate or above from 15:00 on 17 November 2026 to 04:00 on 18 November 2026" in " ".join(
        end.text.split()
    )
    assert "highest was 7" in " ".join(end.text.split())


def test_the_top_of_a_band_at_once_and_a_second_look_tells_nothing(connection: Connection) -> None:
    monitor(connection)
    subscribe(connection)
    tell(connection, [1, 6], NOON + 2 * HOUR)
    for minutes in (1, 2, 59):
        look(connection, options(), NOON + 2 * HOUR + timedelta(minutes=minutes))
    assert [one.subject for one in sent(connection)] == ["Air pollution is Moderate: TE5 7ST"]


@pytest.mark.parametrize(
    ("band", "index", "told"),
    [
        ("moderate", [9, 9], 1),
        ("high", [6, 6], 0),
        ("high", [7, 7], 1),
        ("high", [8, 6], 0),
        ("high", [9, 6], 1),
        ("very-high", [9, 9], 0),
        ("very-high", [9, 10], 1),
    ],
)
def test_a_band_is_told_to_who_asked_for_it(
    connection: Connection, band: air_alerts.Band, index: list[int], told: int
) -> None:
    monitor(connection)
    subscribe(connection, band=band)
    assert len(go(connection, index)) == told


def test_what_a_message_says(connection: Connection) -> None:
    monitor(connection)
    subscribe(connection, place="TE5 7ST", lon=LON + 0.005)
    tell(connection, [5, 8], NOON + 2 * HOUR, humidity=95.0)
    look(connection, options(), NOON + 2 * HOUR + timedelta(minutes=5))
    (one,) = sent(connection)
    text = " ".join(one.text.split())
    for words in (
        "Index: 8 of 10, High, in the hour to 14:00",
        "Since: 12:00 on 17 November 2026, at Moderate or above",
        "Pollutant: NO2",
        "Monitor: beside, 350 m away, indicative",
        "Adults and children with heart or lung conditions, and older people: do less",
        "Everybody else: if your eyes are sore",
        "https://air.example/air",
    ):
        assert words in text
        assert words.replace("https://air.example/air", "The air now") in one.html
    # NO2 is not read wrongly in damp air; no address, nothing of anybody
    assert "damp" not in text
    assert "ada" not in text + one.html + one.subject
    assert "Simulated" not in one.subject


def test_silent_monitors_tell_nothing_and_end_in_words(connection: Connection) -> None:
    monitor(connection)
    subscribe(connection, tell_end=True)
    subscribe(connection, "bob@example.com")
    assert go(connection, [4, 4, 0, 0, 0, 0, 0, 0, 0, 0]) == [
        *["1 Air pollution is Moderate: TE5 7ST"] * 2,
        "7 Air pollution is no longer known: TE5 7ST",
    ]
    text = " ".join(sent(connection)[2].text.split())
    assert "It is no longer known: no monitor there has told us anything since 14:00 on 17 November 2026" in text
    assert "we cannot say whether it is over" in text


def test_nobody_is_told_of_what_is_over_for_long(connection: Connection) -> None:
    """Readings that come late: an episode that is over, and one that goes on."""
    monitor(connection)
    subscribe(connection, tell_end=True)
    tell(connection, [4, 4, 1, 1, 1, 1, 1, 1, 1, 1], NOON + 10 * HOUR)
    look(connection, options(), NOON + 10 * HOUR)
    assert sent(connection) == []
    assert episodes(connection) == [("TE5 7ST", 0, 2, "below", False)]
    world.clean(connection)
    monitor(connection)
    subscribe(connection)
    tell(connection, [4, 4, 4, 4, 0, 0, 0, 0], NOON + 8 * HOUR)
    look(connection, options(), NOON + 8 * HOUR)
    assert sent(connection) == [], "its newest hour is over for four hours"
    tell(connection, [4, 4, 4, 4, 0, 0, 0, 5], NOON + 8 * HOUR)
    look(connection, options(), NOON + 8 * HOUR)
    (one,) = sent(connection)
    assert "Since: 12:00" in one.text


def test_what_was_none_is_ended_quietly_and_never_told_again(connection: Connection) -> None:
    monitor(connection)
    subscribe(connection, tell_end=True)
    assert len(go(connection, [1, 4, 4])) == 1
    for index in ([1, 1, 1, 1], [1, 4, 4, 4], [1, 4, 1, 1], [1, 1, 4, 4]):
        tell(connection, index, NOON + 4 * HOUR)
        look(connection, options(), NOON + 4 * HOUR)
    assert len(sent(connection)) == 1
    assert episodes(connection) == [("TE5 7ST", 2, None, None, True)]
    tell(connection, [1, 1, 1, 1], NOON + 4 * HOUR)
    look(connection, options(), NOON + 4 * HOUR)
    assert episodes(connection) == [("TE5 7ST", 2, 2, "withdrawn", True)]
    assert len(go(connection, [1] * 20)) == 0
    assert len(sent(connection)) == 1


def test_what_is_over_before_it_was_sent_is_not_sent(connection: Connection) -> None:
    """Over night, say; and where it comes back the person is told after all, once."""
    monitor(connection)
    subscribe(connection, tell_end=True)
    told = go(connection, [4, 4, 1, 1, 1, 4, 4, 4, 1, 1, 1, 1, 1, 1, 1], sends=False)
    assert told == ["1 Air pollution is Moderate: TE5 7ST", "6 Air pollution is Moderate: TE5 7ST"]
    assert [one.state for one in sent(connection)] == ["withheld", "withheld"]
    assert episodes(connection) == [("TE5 7ST", 0, 8, "below", False)]


def test_a_message_that_is_sent_is_not_withheld(connection: Connection) -> None:
    monitor(connection)
    subscribe(connection)
    assert len(go(connection, [4, 4, 1, 1, 1, 4, 4, 4, 1, 1, 1, 1, 1, 1, 1])) == 1
    assert [one.state for one in sent(connection)] == ["sent"]


def test_several_places_of_one_person_are_one_message(connection: Connection) -> None:
    monitor(connection)
    monitor(connection, "far", lon=LON + 1)
    subscribe(connection, place="Here")
    subscribe(connection, place="There", lon=LON + 1, band="high")
    subscribe(connection, place="Nowhere", lon=LON + 2)
    subscribe(connection, "bob@example.com", place="There", lon=LON + 1)
    tell(connection, [4, 4], NOON + 2 * HOUR)
    tell(connection, [7, 8], NOON + 2 * HOUR, "far")
    look(connection, options(), NOON + 2 * HOUR)
    assert [one.subject for one in sent(connection)] == [
        "Air pollution is High: There and one other place",
        "Air pollution is High: There",
    ]
    text = sent(connection)[0].text
    assert "Here\n----\n" in text
    assert text.count("What to do") == 1
    # one waits and goes on, so that the message stays though the other is over
    tell(connection, [4, 4, 1, 1, 1], NOON + 5 * HOUR)
    tell(connection, [7, 8, 7, 7, 7], NOON + 5 * HOUR, "far")
    look(connection, options(), NOON + 5 * HOUR)
    assert [one.state for one in sent(connection)] == ["waiting", "waiting"]
    assert [one[2:] for one in episodes(connection)] == [(2, "below", True), (None, None, True), (None, None, True)]


def test_the_nearest_monitor_of_a_point_and_the_highest_of_an_area(connection: Connection) -> None:
    monitor(connection)
    monitor(connection, "other", lon=LON + 0.02)
    monitor(connection, "beyond", lon=LON + 0.03)
    monitor(connection, "home", personal=True)
    subscribe(connection, place="Point")
    subscribe(connection, place="Area", whole=True)
    for name, index in (("beside", [3, 3]), ("other", [5, 5]), ("beyond", [9, 9]), ("home", [10, 10])):
        tell(connection, index, NOON + 2 * HOUR, name)
    look(connection, options(), NOON + 2 * HOUR)
    (one,) = sent(connection)
    assert one.subject == "Air pollution is Moderate: Area"
    assert "Monitor: other, 1.4 km away" in one.text
    # where the nearest says nothing the next one speaks for the point
    tell(connection, [3, 3, 0, 0], NOON + 4 * HOUR)
    tell(connection, [5, 5, 5, 5], NOON + 4 * HOUR, "other")
    look(connection, options(), NOON + 4 * HOUR)
    assert [one.subject for one in sent(connection)][1:] == ["Air pollution is Moderate: Point"]


def test_the_hour_that_comes_twice_is_told_apart(connection: Connection) -> None:
    monitor(connection)
    subscribe(connection, tell_end=True)
    change = datetime(2026, 10, 25, 0, tzinfo=UTC)  # 01:00 BST, and an hour later 01:00 GMT
    told = go(connection, [4, 4, 4, 1, 1, 1, 1, 1, 1, 1, 1], change)
    assert told == ["1 Air pollution is Moderate: TE5 7ST", "9 Air pollution is below Moderate again: TE5 7ST"]
    assert "Since: 01:00 BST on 25 October 2026" in sent(connection)[0].text
    assert "in the hour to 02:00" in sent(connection)[0].text
    assert "from 01:00 BST on 25 October 2026 to 03:00 on 25 October 2026" in " ".join(sent(connection)[1].text.split())
    world.clean(connection)
    monitor(connection)
    subscribe(connection)
    go(connection, [1, 4, 4], change)
    assert "Since: 01:00 GMT on 25 October 2026" in sent(connection)[0].text
    world.clean(connection)
    monitor(connection)
    subscribe(connection)
    go(connection, [6], change)
    assert "in the hour to 01:00 GMT" in sent(connection)[0].text
    world.clean(connection)
    monitor(connection)
    subscribe(connection)
    go(connection, [4, 4, 4], datetime(2026, 3, 29, 0, tzinfo=UTC))
    assert "Since: 00:00 on 29 March 2026" in sent(connection)[0].text
    assert "in the hour to 03:00" in sent(connection)[0].text


def test_who_asks_in_the_middle_of_an_episode_is_told_of_it_and_of_none_before(connection: Connection) -> None:
    monitor(connection)
    tell(connection, [6, 1, 1, 1, 1, 1, 1, 1, 1, 4, 4, 4], NOON + 12 * HOUR)
    subscribe(connection, at=NOON + 11 * HOUR)
    look(connection, options(), NOON + 12 * HOUR)
    assert episodes(connection) == [("TE5 7ST", 9, None, None, True)]
    assert len(sent(connection)) == 1


def test_what_lasts_longer_than_anybody_looks_back(connection: Connection) -> None:
    """Who asks on its fifth day is told that it may have begun earlier; who was told goes on with one episode."""
    monitor(connection)
    old = subscribe(connection)
    days = [5] * 24 * 5
    assert len(go(connection, days[:2])) == 1
    for hours in (50, 98):
        tell(connection, days[:hours], NOON + hours * HOUR)
        look(connection, options(), NOON + hours * HOUR)
    tell(connection, days, NOON + len(days) * HOUR)
    subscribe(connection, "bob@example.com")
    look(connection, options(), NOON + len(days) * HOUR)
    (_, late) = sent(connection)
    assert "Since: 12:00 on 19 November 2026 or earlier, at Moderate or above" in " ".join(late.text.split())
    rows = connection.execute(
        "select begin_hour, end_hour from personal.air_episode where subscription_id = %s", (old,)
    ).fetchall()
    assert rows == [(NOON, None)]


def test_nobody_is_told_who_did_not_confirm_or_stopped_or_has_no_mailbox(connection: Connection) -> None:
    monitor(connection)
    for name in ("unconfirmed", "stopped", "bounced"):
        subscribe(connection, f"{name}@example.com", confirmed=name != "unconfirmed", at=NOON)
    connection.execute(
        "insert into personal.contact_stop select id, 'air-alert', '', %s from personal.contact where address ~ 'stop'",
        (NOON,),
    )
    connection.execute("update personal.contact set bounced_at = %s, bounce = 'no' where address ~ 'bounced'", (NOON,))
    assert go(connection, [6, 6, 6]) == []
    assert episodes(connection) == []


def test_real_and_simulated_never_meet(connection: Connection) -> None:
    monitor(connection, "made-up", origin="simulated")
    subscribe(connection, "real@example.com")
    subscribe(connection, "demo@example.com", origin="simulated")
    tell(connection, [6, 6], NOON + 2 * HOUR, "made-up")
    look(connection, options(), NOON + 2 * HOUR)
    assert sent(connection) == []
    look(connection, options("simulated"), NOON + 2 * HOUR)
    (one,) = sent(connection)
    assert one.subject == "Simulated: Air pollution is Moderate: TE5 7ST"
    assert one.origin == "simulated"
    assert one.text.startswith("This is a demo.")
    assert connection.execute("select address from personal.contact where id = %s", (one.contact,)).fetchone() == (
        "demo@example.com",
    )
